//! A session with a decoder in a process of its own: it is made, then computes one token after the other.
//!
//! Invariant: emitted crates and other implementations answer the same questions, so that one way of timing serves all.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Executable, Served};

/// What making a decoder took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began {
    /// Nanoseconds.
    pub ns: u64,
    /// Calls of the allocator.
    pub allocations: u64,
    /// All bytes that were allocated.
    pub bytes: u64,
}

/// A token, and what computing it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Nanoseconds of the run alone.
    pub forward: u64,
    /// Nanoseconds of the run, and of taking the most likely token.
    pub generate: u64,
    /// The most likely next token.
    pub token: u64,
    /// Calls of the allocator.
    pub allocations: u64,
    /// All bytes that were allocated.
    pub bytes: u64,
}

/// A process that computes sessions.
#[derive(Debug)]
pub struct Session {
    process: Served,
    /// The file that it reads its inputs from.
    inputs: PathBuf,
}

impl Session {
    /// Starts an emitted crate that was built [`crate::Process::with_session`].
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn of(executable: &Executable) -> Result<Session, Error> {
        Ok(Session { process: executable.serve()?, inputs: executable.inputs() })
    }

    /// A process that was started, and reads its inputs from a file.
    pub fn with(process: Served, inputs: &Path) -> Session {
        Session { process, inputs: inputs.to_path_buf() }
    }

    /// Begins a session: the decoder is made anew, its caches are empty.
    ///
    /// # Errors
    /// As [`Served::ask`].
    pub fn begin(&mut self) -> Result<Began, Error> {
        match self.process.ask_for("new", 1, 3)?.concat().as_slice() {
            &[ns, allocations, bytes] => Ok(Began { ns, allocations, bytes }),
            _ => Err(Error::Run("a session has no beginning".into())),
        }
    }

    /// Computes a token from the bytes of the inputs, as [`crate::Process`] has them before the states.
    ///
    /// # Errors
    /// As [`Served::ask`]; inputs that cannot be written.
    pub fn token(&mut self, inputs: &[u8]) -> Result<Token, Error> {
        // The states behind the inputs stay.
        self.answered(0, inputs, "k")
    }

    /// Reads a prompt of `length` tokens at once, and computes the token after it: the bytes of the reader's inputs stand in the file from byte
    /// `at`. The process was built [`crate::Process::with_prompt`].
    ///
    /// # Errors
    /// As [`Session::token`].
    pub fn prompt(&mut self, at: usize, inputs: &[u8], length: usize) -> Result<Token, Error> {
        self.answered(at, inputs, &format!("p{length}"))
    }

    fn answered(&mut self, at: usize, inputs: &[u8], question: &str) -> Result<Token, Error> {
        let file = File::options().write(true).open(&self.inputs);
        let written = file.and_then(|mut file| {
            file.seek(SeekFrom::Start(at as u64))?;
            file.write_all(inputs)
        });
        written.map_err(Error::io("write the inputs of a token"))?;
        match self.process.ask_for(question, 1, 5)?.concat().as_slice() {
            &[forward, generate, token, allocations, bytes] => {
                Ok(Token { forward, generate, token, allocations, bytes })
            }
            _ => Err(Error::Run("a token has no answer".into())),
        }
    }
}
