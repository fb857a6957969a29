//! Where a log's files are: at a gateway, behind any web server, or in a folder.

use super::fault::LogFault;
use std::path::PathBuf;
use std::time::Duration;

/// A log's files by their names.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder with `checkpoint` and `tile/`.
    Folder(PathBuf),
    /// A gateway's address; the log is below `/log/`.
    Web {
        /// Client.
        http: reqwest::Client,
        /// Without a slash at the end.
        address: String,
    },
}

impl Source {
    /// An address if it begins with `http://` or `https://`, a folder otherwise.
    ///
    /// # Errors
    /// [`LogFault::Unreachable`] if no HTTP client can be made.
    pub fn of(named: &str) -> Result<Self, LogFault> {
        if !named.starts_with("http://") && !named.starts_with("https://") {
            return Ok(Self::Folder(PathBuf::from(named)));
        }
        // Another part of the process may have chosen a provider already; that one is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .build()
            .map_err(|error| unreachable(&error))?;
        Ok(Self::Web {
            http,
            address: named.trim_end_matches('/').to_owned(),
        })
    }

    /// A file of the log.
    ///
    /// # Errors
    /// [`LogFault::Unreachable`], [`LogFault::Missing`].
    pub async fn file(&self, name: &str) -> Result<Vec<u8>, LogFault> {
        match self {
            Self::Folder(folder) => match tokio::fs::read(folder.join(name)).await {
                Ok(bytes) => Ok(bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(name)),
                Err(error) => Err(unreachable(&error)),
            },
            Self::Web { .. } => self
                .of_gateway(&format!("log/{name}"))
                .await?
                .ok_or_else(|| missing(name)),
        }
    }

    /// What a gateway says at a path; `None` if there is nothing, or the source is no gateway.
    ///
    /// # Errors
    /// [`LogFault::Unreachable`].
    pub async fn of_gateway(&self, path: &str) -> Result<Option<Vec<u8>>, LogFault> {
        let Self::Web { http, address } = self else {
            return Ok(None);
        };
        let response = http.get(format!("{address}/{path}")).send().await;
        let response = response.map_err(|error| unreachable(&error))?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let whole = response.error_for_status().map_err(|error| unreachable(&error))?;
        let bytes = whole.bytes().await.map_err(|error| unreachable(&error))?;
        Ok(Some(bytes.to_vec()))
    }
}

fn missing(name: &str) -> LogFault {
    LogFault::Missing { name: name.to_owned() }
}

fn unreachable(error: &dyn std::fmt::Display) -> LogFault {
    LogFault::Unreachable {
        detail: error.to_string(),
    }
}
