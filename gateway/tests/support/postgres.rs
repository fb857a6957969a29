//! A PostgreSQL of one's own: in a temporary folder, reached by a socket in it, gone when its test program is gone.

use std::fs::create_dir;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian puts the server's programs.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// Keeps a server until standard input ends, in whatever way the test program ends; then takes everything away.
/// $1 = programs, $2 = folder; $3 = "replica" copies the server whose folder is $4.
const KEEPER: &str = r#"
set -e
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; else "$@"; fi; }
cd /
if [ "$(id -u)" = 0 ]; then chown postgres "$2"; fi
if [ "$3" = replica ]; then
    as "$1/pg_basebackup" --host="$4" --username=postgres --pgdata="$2/data" --write-recovery-conf --checkpoint=fast >&2
else
    as "$1/initdb" --pgdata="$2/data" --username=postgres --auth=trust --no-sync --encoding=UTF8 --locale=C >&2
fi
as "$1/pg_ctl" start --pgdata="$2/data" --log="$2/log" --wait --silent \
    --options="-c listen_addresses= -c unix_socket_directories=$2 -c max_connections=300 -c shared_buffers=32MB" >&2
echo ready
cat > /dev/null
kill -CONT -$(head -1 "$2/data/postmaster.pid") 2>/dev/null || true
as "$1/pg_ctl" stop --pgdata="$2/data" --mode=immediate --silent >&2 || true
rm -rf "$2"
"#;

/// The folder of the newest version's programs.
pub fn programs() -> PathBuf {
    let versions = std::fs::read_dir(PROGRAMS).unwrap_or_else(|_| {
        panic!("PostgreSQL is not installed: `cargo xtask test` installs it, or `apt-get install postgresql`")
    });
    let newest = versions
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists());
    newest
        .max()
        .expect("PostgreSQL's programs are missing: apt-get install postgresql")
}

/// A server.
pub struct Cluster {
    pub folder: PathBuf,
    /// Ends the server when it is dropped, or when this program ends.
    keeper: Child,
}

impl Cluster {
    pub fn start(name: &str) -> Self {
        Self::keep(name, &["first", ""])
    }

    /// A standby of another one.
    pub fn replica(name: &str, of: &Self) -> Self {
        Self::keep(name, &["replica", &of.folder.display().to_string()])
    }

    fn keep(name: &str, arguments: &[&str]) -> Self {
        Self::try_keep(name, arguments).expect("its folder exists already")
    }

    /// `None` if its folder exists already.
    fn try_keep(name: &str, arguments: &[&str]) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("wardkey-pg-{}-{name}", std::process::id()));
        create_dir(&folder).ok()?;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(programs())
            .arg(&folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim(), "ready", "PostgreSQL did not start in {folder:?}");
        Some(Self { folder, keeper })
    }

    /// Runs one of the server's programs as its owner.
    pub fn control(&self, arguments: &[&str]) {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
            command.arg(programs().join("pg_ctl"));
            command
        } else {
            Command::new(programs().join("pg_ctl"))
        };
        let done = command
            .current_dir("/")
            .args(arguments)
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "pg_ctl {arguments:?}");
    }

    /// Runs SQL, gives its answer.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        sql_at(&self.folder, database, sql)
    }

    /// Sends a signal to every process of the server.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let family = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
        let family = String::from_utf8(family.stdout).unwrap();
        let all = std::iter::once(pid.as_str()).chain(family.lines());
        let done = Command::new("kill")
            .arg(format!("-{signal}"))
            .args(all)
            .status()
            .unwrap();
        assert!(done.success());
    }

    pub fn url(&self, database: &str) -> String {
        url_at(&[&self.folder], database)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.keeper.stdin.take();
        let _gone = self.keeper.wait();
    }
}

/// The address of a database, at whichever of the servers takes writes.
pub fn url_at(folders: &[&Path], database: &str) -> String {
    let hosts: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    format!(
        "host={} user=postgres dbname={database} target_session_attrs=read-write",
        hosts.join(",")
    )
}

pub fn sql_at(folder: &Path, database: &str, sql: &str) -> String {
    let done = Command::new(programs().join("psql"))
        .args([
            "--username=postgres",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--quiet",
        ])
        .args(["--set=ON_ERROR_STOP=1", "--host"])
        .arg(folder)
        .args(["--dbname", database, "--command", sql])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{sql}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

/// A new, empty database at the common server; gives its name.
pub fn database() -> String {
    let folder = common();
    let name = format!("t_{}", wardkey_gateway::random::bytes::<8>().map(hex::encode).unwrap());
    sql_at(&folder, "postgres", &format!("CREATE DATABASE {name}"));
    name
}

/// The folder of the server that all tests of this program share; started by the first one that asks.
pub fn common() -> PathBuf {
    let place = |name: &str| std::env::temp_dir().join(format!("wardkey-pg-{}-{name}", std::process::id()));
    let (folder, mark) = (place("common"), place("common").join("ready"));
    // Several copies of this file may be in one program: the folder's making is what only one of them can do.
    if !folder.exists()
        && let Some(cluster) = Cluster::try_keep("common", &["first", ""])
    {
        std::fs::write(&mark, "").unwrap();
        // Kept until this program ends.
        std::mem::forget(cluster);
    }
    let started = Instant::now();
    while !mark.exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "PostgreSQL did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    folder
}

pub fn common_url(database: &str) -> String {
    url_at(&[&common()], database)
}
