//! The gateway's figures, each beside what it is held against, in one run on one machine. Load comes from this process, the gateway is
//! another one; what is counted is the gateway's own processor time, so that the load does not disturb the ratio.

use super::load::{Answered, load};
use super::program::{Program, UNLIMITED};
use super::reads::{Scene, Shape};
use super::row::Row;
use super::stage::Stage;
use crate::clock::Clock;
use crate::keys::private_folder;
use crate::settings::Settings;
use crate::state::Gateway;
use anyhow::Context as _;
use rusqlite::{Connection, params};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections of every measurement.
const CONNECTIONS: usize = 64;
/// Plaintext bytes of a record.
const BYTES: usize = 4096;
/// Writes of one measurement; signed before it, and good for a minute.
const WRITES: usize = 16_000;
/// Statements in one transaction of the bare database: as many writes as can wait for the gateway's writer at once.
const GROUP: usize = CONNECTIONS;

const SHAPE: Shape = Shape {
    name: "one resource of 4 KiB",
    sections: 1,
    resources: 1,
    bytes: BYTES,
};

/// Measures everything, `time` for each figure, in an empty folder.
///
/// # Errors
/// Anything that fails on the way.
pub async fn country(folder: &Path, time: Duration) -> anyhow::Result<Vec<Row>> {
    let (stage, scene) = scene(&folder.join("reads")).await?;
    let (gateway, address) = Program::gateway(&folder.join("reads"))?;
    let mut rows = reads(&gateway, address, &scene, &stage, time).await?;
    let per_cpu = rows[0].value;
    rows.push(against_openssl(per_cpu, time)?);
    rows.push(against_nginx(&folder.join("nginx"), per_cpu, time).await?);
    rows.extend(writes(&folder.join("bare.sqlite"), address, &scene, &stage, time).await?);
    drop(gateway);
    rows.extend(growth(folder, time).await?);
    Ok(rows)
}

/// A hospital, a doctor, a patient with a record; the gateway that made them has let go of the folder.
async fn scene(data: &Path) -> anyhow::Result<(Arc<Stage>, Arc<Scene>)> {
    private_folder(data)?;
    let settings = Settings {
        data: data.to_owned(),
        ..Settings::parse(UNLIMITED)?
    };
    let stage = Stage::new(Gateway::open(settings, Clock::system())?);
    let scene = Scene::set(&stage, SHAPE).await?;
    Ok((Arc::new(stage), Arc::new(scene)))
}

/// Asks the gateway in its own process; gives what it answered and the processor time that it took.
async fn measured(
    gateway: &Program,
    address: SocketAddr,
    time: Duration,
    request: impl Fn() -> anyhow::Result<Option<Vec<u8>>> + Send + Sync + Clone + 'static,
) -> anyhow::Result<(Answered, f64)> {
    load(address, CONNECTIONS, time / 4, request.clone()).await?;
    let before = gateway.cpu()?;
    let answered = load(address, CONNECTIONS, time, request).await?;
    Ok((answered, (gateway.cpu()? - before).as_secs_f64()))
}

async fn reads(
    gateway: &Program,
    address: SocketAddr,
    scene: &Arc<Scene>,
    stage: &Arc<Stage>,
    time: Duration,
) -> anyhow::Result<Vec<Row>> {
    let (scene, clock) = (Arc::clone(scene), stage.gateway.clock.clone());
    let (answered, cpu) = measured(gateway, address, time, move || scene.signed(&clock).map(Some)).await?;
    let (half, most) = (answered.within(0.5), answered.within(0.99));
    let spread = most.as_secs_f64() / half.as_secs_f64();
    Ok(vec![
        Row::plain("logged reads of 4 KiB per CPU-second", answered.answers() / cpu, "1/s"),
        Row::plain(
            "logged reads of 4 KiB per second, 64 connections",
            answered.per_second(),
            "1/s",
        ),
        Row::plain("half of them within", half.as_secs_f64() * 1000.0, "ms"),
        Row::at_most("p99 ÷ p50 at 64 connections", spread, "×", 5.0),
    ])
}

/// What one core verifies in a second, by OpenSSL.
fn against_openssl(per_cpu: f64, time: Duration) -> anyhow::Result<Row> {
    let seconds = time.as_secs().max(1).to_string();
    let mut openssl = Command::new("openssl");
    let output = openssl
        .args(["speed", "-seconds", &seconds, "-mr", "ecdsap256"])
        .output();
    let text = String::from_utf8(output.context("failed to start openssl")?.stdout)?;
    let line = text
        .lines()
        .find(|line| line.starts_with("+F4:"))
        .context("openssl printed no figure")?;
    let verified: f64 = line.rsplit(':').next().unwrap_or_default().trim().parse()?;
    let share = 100.0 * per_cpu / verified;
    Ok(Row::at_least(
        "reads ÷ P-256 verifications, per CPU-second",
        share,
        "%",
        60.0,
    ))
}

/// What nginx serves of the same bytes as a file, one worker.
async fn against_nginx(folder: &Path, per_cpu: f64, time: Duration) -> anyhow::Result<Row> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("file"), vec![b'x'; BYTES])?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let at = folder.display();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error;\n\
         events {{}}\n\
         http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;\n\
         fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
         server {{ listen 127.0.0.1:{port}; root {at}; }} }}\n"
    );
    std::fs::write(folder.join("nginx.conf"), configuration)?;
    open_to_all(folder)?;
    let mut command = Command::new("nginx");
    let nginx = Program::start(command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")))?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    listens(address)?;
    let request = || Ok(Some(b"GET /file HTTP/1.1\r\nhost: bench\r\n\r\n".to_vec()));
    let (answered, cpu) = measured(&nginx, address, time, request).await?;
    let share = 100.0 * per_cpu / (answered.answers() / cpu);
    Ok(Row::at_least(
        "reads ÷ nginx's static 4 KiB, per CPU-second",
        share,
        "%",
        10.0,
    ))
}

/// nginx gives up root for its worker, which then needs to see the file.
fn open_to_all(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for path in folder.ancestors().take(2) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn listens(address: SocketAddr) -> anyhow::Result<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        anyhow::ensure!(
            begun.elapsed() < Duration::from_secs(10),
            "nginx does not listen on {address}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Acknowledged writes against a bare database that keeps as many bytes in transactions of as many rows.
async fn writes(
    bare: &Path,
    address: SocketAddr,
    scene: &Arc<Scene>,
    stage: &Arc<Stage>,
    time: Duration,
) -> anyhow::Result<Vec<Row>> {
    // Sealing and signing take longer than keeping: all requests are made before the first is sent.
    let ready = (0..WRITES)
        .map(|_| scene.writing(stage, BYTES))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let size = ready.first().map_or(0, Vec::len);
    let ready = Mutex::new(ready);
    let next = move || Ok(ready.lock().unwrap_or_else(PoisonError::into_inner).pop());
    let answered = load(address, CONNECTIONS, time * 10, next).await?;
    let alone = bare_rows(bare, size, time)?;
    let share = 100.0 * answered.per_second() / alone;
    Ok(vec![
        Row::plain(
            "durable acknowledged writes of 4 KiB per second",
            answered.per_second(),
            "1/s",
        ),
        Row::plain(
            "rows of the same size per second, bare SQLite, 64 in a transaction",
            alone,
            "1/s",
        ),
        Row::at_least("writes ÷ bare SQLite rows", share, "%", 60.0),
    ])
}

fn bare_rows(file: &Path, size: usize, time: Duration) -> anyhow::Result<f64> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, name BLOB UNIQUE, bytes BLOB)")?;
    let (begun, mut rows, bytes) = (Instant::now(), 0_u32, vec![b'x'; size]);
    while begun.elapsed() < time {
        let transaction = connection.transaction()?;
        for _ in 0..GROUP {
            let name: [u8; 32] = crate::random::bytes()?;
            let mut insert = transaction.prepare_cached("INSERT INTO rows (name, bytes) VALUES (?1, ?2)")?;
            insert.execute(params![name, bytes])?;
            rows += 1;
        }
        transaction.commit()?;
    }
    Ok(f64::from(rows) / begun.elapsed().as_secs_f64())
}

/// Processor time of a read when the store holds ten thousand records and when it holds a million.
async fn growth(folder: &Path, time: Duration) -> anyhow::Result<Vec<Row>> {
    let data = folder.join("growth");
    let (stage, scene) = scene(&data).await?;
    let mut costs = Vec::new();
    for records in [10_000, 1_000_000] {
        fill(&data.join("store.sqlite"), records)?;
        let (gateway, address) = Program::gateway(&data)?;
        let (asking, clock) = (Arc::clone(&scene), stage.gateway.clock.clone());
        let (answered, cpu) = measured(&gateway, address, time, move || asking.signed(&clock).map(Some)).await?;
        costs.push(cpu / answered.answers());
    }
    let grown = costs[1] / costs[0];
    Ok(vec![Row::at_most(
        "cost of a read, 1 M records ÷ 10 k records",
        grown,
        "×",
        1.3,
    )])
}

/// Copies of the one record under other names and patients, until there are so many.
fn fill(store: &Path, records: u32) -> anyhow::Result<()> {
    let mut connection = Connection::open(store)?;
    let have: u32 = connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0))?;
    let transaction = connection.transaction()?;
    for _ in have..records {
        let (name, patient): ([u8; 32], [u8; 32]) = (crate::random::bytes()?, crate::random::bytes()?);
        let mut insert = transaction.prepare_cached(
            "INSERT INTO records (record, version, patient, section, institution, fingerprint, leaf, document) \
             SELECT ?1, version, ?2, section, institution, fingerprint, leaf, substr(document, 1, 400) FROM records LIMIT 1",
        )?;
        insert.execute(params![name, patient])?;
    }
    transaction.commit()?;
    Ok(())
}
