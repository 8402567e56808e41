//! Rounds of sessions, and what they took.

use zant_measure::{Began, Error, Session, Token};

use super::Sessions;
use super::prompt::Prompt;
use super::roles::Roles;

/// What a session is played with.
#[derive(Debug)]
pub(super) struct Play<'a> {
    pub(super) wanted: &'a Sessions,
    pub(super) roles: &'a Roles,
    /// What reads the prompt at once, where something does, and where its inputs begin.
    pub(super) prompt: Option<(&'a Prompt, usize)>,
}

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Round {
    began: Began,
    /// The prompt, read at once, and the first token.
    read: Option<Token>,
    /// Else the tokens of the prompt but the last, whose answers nobody takes.
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
pub(super) fn play(players: &mut [Session], play: &Play<'_>) -> Result<Vec<Played>, Error> {
    let mut played = vec![Played { rounds: Vec::new() }; players.len()];
    for _ in 0..play.wanted.rounds {
        for (player, played) in players.iter_mut().zip(&mut played) {
            played.rounds.push(round(player, play)?);
        }
    }
    Ok(played)
}

/// A token of the prompt: any will do, and all players have the same.
fn prompted(at: usize, vocabulary: u64) -> u64 {
    (at as u64 * 7 + 1) % vocabulary
}

fn round(player: &mut Session, play: &Play<'_>) -> Result<Round, Error> {
    let Play { wanted, roles, prompt: reader } = play;
    let began = player.begin()?;
    let prompt: Vec<u64> = (0..wanted.prompt).map(|at| prompted(at, roles.vocabulary)).collect();
    let mut round = Round { began, read: None, prompt: Vec::new(), tokens: Vec::new() };
    let (mut next, mut position) = (prompt[wanted.prompt - 1], wanted.prompt - 1);
    if let Some((reader, at)) = reader {
        let token = player.prompt(*at, &reader.bytes(&prompt), wanted.prompt)?;
        (next, position) = (token.token, wanted.prompt);
        round.read = Some(token);
    } else {
        for (at, token) in prompt[..position].iter().enumerate() {
            round.prompt.push(player.token(&roles.bytes(*token, at as u64))?);
        }
    }
    for _ in usize::from(round.read.is_some())..wanted.tokens {
        let token = player.token(&roles.bytes(next, position as u64))?;
        next = token.token;
        position += 1;
        round.tokens.push(token);
    }
    Ok(round)
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
        let Round { began, read, prompt, tokens } = &self.rounds[round];
        let prompt: u64 = prompt.iter().map(|token| token.forward).sum();
        let first = read.as_ref().or(tokens.first());
        microseconds(began.ns + prompt + first.map_or(0, |token| token.generate))
    }

    /// Microseconds of each token of each round.
    pub(super) fn latencies(&self) -> Vec<f64> {
        self.rounds.iter().flat_map(|round| &round.tokens).map(|token| microseconds(token.generate)).collect()
    }

    /// Which part of the tokens is that of another player.
    pub(super) fn same(&self, other: &Played) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds).flat_map(|(a, b)| a.chosen().zip(b.chosen()));
        let same: Vec<bool> = pairs.map(|(a, b)| a == b).collect();
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
        let parts = |round: &'_ Round| -> Vec<Token> { round.read.iter().chain(&round.prompt).copied().collect() };
        let whole = |round: &Round| microseconds(parts(round).iter().map(|token| token.forward).sum());
        let all: Vec<Token> = self.rounds.iter().flat_map(parts).collect();
        let (_, allocations, bytes) = taken(all.iter(), |token| token.forward);
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
        self.read.iter().chain(&self.prompt).chain(&self.tokens)
    }

    /// The tokens that were chosen, in their order.
    fn chosen(&self) -> impl Iterator<Item = u64> {
        self.read.iter().chain(&self.tokens).map(|token| token.token)
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
            read: None,
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
        // A prompt that is read at once gives the first token.
        let read = |first| Round { read: Some(token(700, first)), prompt: Vec::new(), ..round([100, 200], 300) };
        let (a, b) = (Played { rounds: vec![read(5)] }, Played { rounds: vec![read(6)] });
        assert!((a.first_token(0) - 1.0).abs() < 1e-9 && (a.same(&b) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!((a.prefill().0, a.generation().0.len(), a.forward().0.len()), (vec![0.699], 2, 3));
    }
}
