//! When something was clicked or painted, by the page's own clock (milliseconds since 1970).

use crate::page::Page;
use anyhow::{Context, Result};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Our clock, in the same unit.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

/// From now on, remembers when each of these first stands in the page and the frame with it was painted.
pub async fn watch(page: &Page, ids: &[&str]) -> Result<()> {
    let script = "window.__moments ??= {};
        for (const id of arguments[0]) {
          delete window.__moments[id];
          const seen = () => {
            const found = document.querySelector(`[data-testid=\"${id}\"]`);
            if (!found) return false;
            requestAnimationFrame(() => setTimeout(() => { window.__moments[id] ??= performance.timeOrigin + performance.now(); }));
            return true;
          };
          if (seen()) continue;
          const watcher = new MutationObserver(() => { if (seen()) watcher.disconnect(); });
          watcher.observe(document, { subtree: true, childList: true, attributes: true });
        }";
    page.run(script, vec![json!(ids)]).await.map(drop)
}

/// From now on, remembers when each of these is clicked.
pub async fn watch_clicks(page: &Page, ids: &[&str]) -> Result<()> {
    let script = "window.__moments ??= {};
        for (const id of arguments[0]) {
          delete window.__moments[id];
          document.addEventListener('click', (event) => {
            if (event.target.closest(`[data-testid=\"${id}\"]`)) window.__moments[id] ??= performance.timeOrigin + performance.now();
          }, { capture: true });
        }";
    page.run(script, vec![json!(ids)]).await.map(drop)
}

/// The moment of one of them; waits until it was painted.
pub async fn of(page: &Page, id: &str) -> Result<f64> {
    for _ in 0..200 {
        let moment = page
            .run("return (window.__moments ?? {})[arguments[0]] ?? null", vec![id.into()])
            .await?;
        if let Some(moment) = moment.as_f64() {
            return Ok(moment);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    None.with_context(|| format!("`{id}` was never seen"))
}
