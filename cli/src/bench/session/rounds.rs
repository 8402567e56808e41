//! Rounds of sessions, and what they took.

use zant_measure::{Began, Error, Session, Token};

use super::Sessions;
use super::roles::Roles;

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Round {
    began: Began,
    /// The tokens of the prompt but the last, whose answers nobody takes.
    prompt: Vec<Token>,
    /// The tokens that were asked for.
    tokens: Vec<Token>,
}

/// The sessions of one player.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub(super) rounds: Vec<Round>,
}

/// Samples in microseconds, and how much a session allocates for it.
type Taken = (Vec<f64>, u64, u64);

/// Lets the players take turns, a session each.
pub(super) fn play(players: &mut [Session], roles: &Roles, wanted: &Sessions) -> Result<Vec<Played>, Error> {
    let mut played = vec![Played { rounds: Vec::new() }; players.len()];
    for _ in 0..wanted.rounds {
        for (player, played) in players.iter_mut().zip(&mut played) {
            played.rounds.push(round(player, roles, wanted)?);
        }
    }
    Ok(played)
}

/// A token of the prompt: any will do, and all players have the same.
fn prompted(at: usize, vocabulary: u64) -> u64 {
    (at as u64 * 7 + 1) % vocabulary
}

fn round(player: &mut Session, roles: &Roles, wanted: &Sessions) -> Result<Round, Error> {
    let began = player.begin()?;
    let (mut prompt, mut tokens) = (Vec::new(), Vec::new());
    for at in 0..wanted.prompt - 1 {
        prompt.push(player.token(&roles.bytes(prompted(at, roles.vocabulary), at as u64))?);
    }
    let mut next = prompted(wanted.prompt - 1, roles.vocabulary);
    for at in 0..wanted.tokens {
        let token = player.token(&roles.bytes(next, (wanted.prompt - 1 + at) as u64))?;
        next = token.token;
        tokens.push(token);
    }
    Ok(Round { began, prompt, tokens })
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}

impl Played {
    /// Tokens in a second, of each the shortest time.
    pub(super) fn tokens_per_second(&self) -> f64 {
        let count = self.rounds.first().map_or(0, |round| round.tokens.len());
        let shortest = |at: usize| self.rounds.iter().map(|round| round.tokens[at].generate).min().unwrap_or(0);
        let ns: u64 = (0..count).map(shortest).sum();
        count as f64 / (ns.max(1) as f64 / 1e9)
    }

    /// Microseconds of a round up to its first token.
    pub(super) fn first_token(&self, round: usize) -> f64 {
        let Round { began, prompt, tokens } = &self.rounds[round];
        let prompt: u64 = prompt.iter().map(|token| token.forward).sum();
        microseconds(began.ns + prompt + tokens.first().map_or(0, |token| token.generate))
    }

    /// Microseconds of each token of each round.
    pub(super) fn latencies(&self) -> Vec<f64> {
        self.rounds.iter().flat_map(|round| &round.tokens).map(|token| microseconds(token.generate)).collect()
    }

    /// Which part of the tokens is that of another player.
    pub(super) fn same(&self, other: &Played) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds).flat_map(|(a, b)| a.tokens.iter().zip(&b.tokens));
        let same: Vec<bool> = pairs.map(|(a, b)| a.token == b.token).collect();
        same.iter().filter(|same| **same).count() as f64 / same.len().max(1) as f64
    }

    /// Allocations of the round that had the most.
    pub(super) fn allocations(&self) -> u64 {
        let of = |round: &Round| round.began.allocations + round.all().map(|token| token.allocations).sum::<u64>();
        self.rounds.iter().map(of).max().unwrap_or(0)
    }

    /// Bytes that the greediest token allocated.
    pub(super) fn token_bytes(&self) -> u64 {
        self.rounds.iter().flat_map(Round::all).map(|token| token.bytes).max().unwrap_or(0)
    }

    /// Making the model.
    pub(super) fn creation(&self) -> Taken {
        let began = self.rounds.iter().map(|round| round.began);
        let most = began.clone().max_by_key(|began| began.bytes);
        (
            began.map(|began| microseconds(began.ns)).collect(),
            most.map_or(0, |m| m.allocations),
            most.map_or(0, |m| m.bytes),
        )
    }

    /// The prompt of each round, whole.
    pub(super) fn prefill(&self) -> Taken {
        let whole = |round: &Round| microseconds(round.prompt.iter().map(|token| token.forward).sum());
        let (_, allocations, bytes) = taken(self.rounds.iter().flat_map(|round| &round.prompt), |token| token.forward);
        (self.rounds.iter().map(whole).collect(), allocations, bytes)
    }

    /// Each token, the choice included.
    pub(super) fn generation(&self) -> Taken {
        taken(self.rounds.iter().flat_map(|round| &round.tokens), |token| token.generate)
    }

    /// Each run.
    pub(super) fn forward(&self) -> Taken {
        taken(self.rounds.iter().flat_map(Round::all), |token| token.forward)
    }
}

impl Round {
    /// All runs.
    fn all(&self) -> impl Iterator<Item = &Token> {
        self.prompt.iter().chain(&self.tokens)
    }
}

/// Samples of tokens, and what all of them allocated.
fn taken<'a>(tokens: impl Iterator<Item = &'a Token>, time: fn(&Token) -> u64) -> Taken {
    tokens.fold((Vec::new(), 0, 0), |(mut samples, allocations, bytes), token| {
        samples.push(microseconds(time(token)));
        (samples, allocations + token.allocations, bytes + token.bytes)
    })
}

#[cfg(test)]
mod tests {
    use zant_measure::{Began, Token};

    use super::{Played, Round};

    #[test]
    fn rates_are_of_the_shortest_time_of_each_token() {
        let token = |generate, token| Token { forward: generate - 1, generate, token, allocations: 1, bytes: 8 };
        let round = |times: [u64; 2], began| Round {
            began: Began { ns: began, allocations: 1, bytes: 64 },
            prompt: vec![token(500, 0)],
            tokens: times.map(|t| token(t, t)).to_vec(),
        };
        let played = Played { rounds: vec![round([4000, 1000], 2001), round([2000, 3000], 1)] };
        assert!((played.tokens_per_second() - 2.0 / 3e-6).abs() < 1e-3);
        assert!((played.first_token(0) - 6.5).abs() < 1e-9 && (played.first_token(1) - 2.5).abs() < 1e-9);
        assert_eq!((played.allocations(), played.token_bytes()), (4, 8));
        let other = Played { rounds: vec![round([4000, 9], 1), round([7, 8], 1)] };
        assert_eq!((played.same(&played), played.same(&other)), (1.0, 0.25));
        let (samples, allocations, bytes) = played.forward();
        assert_eq!((samples.len(), allocations, bytes), (6, 6, 48));
    }
}
