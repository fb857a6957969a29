//! A server that speaks S3, with one bucket in a temporary folder.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const BUCKET: &str = "wardkey";
const KEY: (&str, &str) = ("ward", "key-of-the-bucket");

/// The server; ended when dropped.
pub struct Bucket {
    folder: TempDir,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Bucket {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("served").join(BUCKET)).unwrap();
        let credentials = folder.path().join("credentials");
        std::fs::write(&credentials, format!("{}\n{}\n", KEY.0, KEY.1)).unwrap();
        std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(0o600)).unwrap();
        let files = s3s_fs::FileSystem::new(folder.path().join("served")).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _client_gone = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self {
            folder,
            address,
            server,
        }
    }

    /// Settings of a gateway that keeps its objects here.
    pub fn settings(&self) -> String {
        format!(
            "[objects.s3]\nendpoint = \"http://{}\"\nregion = \"here\"\nbucket = \"{BUCKET}\"\ncredentials = {:?}\n",
            self.address,
            self.folder.path().join("credentials")
        )
    }

    /// Whether an object is there.
    pub fn holds(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("served").join(BUCKET).join(name)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}
