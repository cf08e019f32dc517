//! A future on a thread of its own, ended by dropping its handle.

use std::{io, sync::mpsc, thread};

use rustix::process::setpriority_process;
use tokio::sync::oneshot;

/// A running future. Dropping this ends it and waits for its thread.
#[derive(Debug)]
pub(super) struct Task {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Task {
    /// Runs `open`, then `run` with what it gave. Returns once `open` has.
    pub(super) fn spawn<T, R>(
        open: impl FnOnce() -> io::Result<T> + Send + 'static,
        run: impl FnOnce(T) -> R + Send + 'static,
    ) -> io::Result<Self>
    where
        R: Future<Output = ()>,
    {
        let (stop, stopped) = oneshot::channel();
        let (opened, result) = mpsc::channel();
        let body = move || {
            // What measures must not wait for what is measured. Without the right to it, it does.
            setpriority_process(None, -20).ok();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => return drop(opened.send(Err(error))),
            };
            runtime.block_on(async {
                match open() {
                    Ok(value) => {
                        opened.send(Ok(())).ok();
                        tokio::select! {
                            () = run(value) => {}
                            _ = stopped => {}
                        }
                    }
                    Err(error) => drop(opened.send(Err(error))),
                }
            });
        };
        let task = Self {
            stop: Some(stop),
            thread: Some(thread::Builder::new().name("rig".into()).spawn(body)?),
        };
        let died = |_| Err(io::Error::other("the thread died"));
        result.recv().unwrap_or_else(died).map(|()| task)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic of the thread has been printed where it happened.
        self.thread.take().map(thread::JoinHandle::join);
    }
}
