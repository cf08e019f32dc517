//! Transitions that programs have yet to be told of.

use std::collections::VecDeque;

use super::State;

/// A program that hangs for its whole 60 s while an instance flaps once a second is still told
/// of every transition.
const LIMIT: usize = 64;

/// In the order they happened. Over [`LIMIT`] the oldest is left out: the last state of all is
/// what a program must know.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<(State, u8)>,
    left_out: usize,
}

impl Queue {
    pub(super) fn push(&mut self, state: State, priority: u8) {
        if self.waiting.len() == LIMIT {
            self.waiting.pop_front();
            self.left_out += 1;
        }
        self.waiting.push_back((state, priority));
    }

    pub(super) fn pop(&mut self) -> Option<(State, u8)> {
        self.waiting.pop_front()
    }

    /// Leaves out the transitions to every other state.
    pub(super) fn keep_only(&mut self, state: State) {
        let before = self.waiting.len();
        self.waiting.retain(|&(waiting, _)| waiting == state);
        self.left_out += before - self.waiting.len();
    }

    /// How many were left out since this was last asked.
    pub(super) const fn take_left_out(&mut self) -> usize {
        std::mem::replace(&mut self.left_out, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_last_is_never_lost() {
        let mut queue = Queue::default();
        for priority in 0..200 {
            queue.push(State::Backup, priority);
        }
        queue.push(State::Master, 200);
        assert_eq!(queue.take_left_out(), 201 - LIMIT);
        assert_eq!(queue.take_left_out(), 0);
        let told: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(told.len(), LIMIT);
        assert!(told.is_sorted_by_key(|&(_, priority)| priority));
        assert_eq!(told.last(), Some(&(State::Master, 200)));
    }

    #[test]
    fn only_one_state_is_kept_when_asked() {
        let mut queue = Queue::default();
        queue.push(State::Master, 1);
        queue.push(State::Stop, 2);
        queue.keep_only(State::Stop);
        assert_eq!(queue.take_left_out(), 1);
        assert_eq!(queue.pop(), Some((State::Stop, 2)));
        assert_eq!(queue.pop(), None);
    }
}
