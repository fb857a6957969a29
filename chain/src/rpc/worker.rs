//! A thread for asynchronous work, so that blocking callers can wait for it from anywhere, an asynchronous thread included.

use crate::error::ChainError;
use std::future::Future;
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};

/// One thread.
pub struct Worker(Option<Runtime>);

impl Worker {
    pub fn start() -> Result<Self, ChainError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("wardkey-rpc")
            .enable_all()
            .build()
            .map_err(|e| ChainError::Machine(format!("no thread could be started: {e}")))?;
        Ok(Self(Some(runtime)))
    }

    /// Runs work to its end.
    pub fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, ChainError> {
        let gone = || ChainError::Machine("the thread that asks the chain has ended".into());
        let (done, result) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().ok_or_else(gone)?;
        runtime.spawn(async move {
            let _the_caller_may_be_gone = done.send(work.await);
        });
        result.recv().map_err(|_| gone())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A runtime that is dropped on an asynchronous thread panics; this does not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
