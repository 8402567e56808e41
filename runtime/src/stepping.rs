// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Between the steps of a model: a future that gives the executor its turn once.
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Not ready the first time that it is asked, and asks to be woken at once: other tasks run between.
#[derive(Debug, Default)]
pub struct Turn(bool);

impl Turn {
    /// A turn that has not been given yet.
    pub const fn new() -> Self {
        Turn(false)
    }
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
