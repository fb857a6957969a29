//! A page under WebDriver: what a person sees and does, by `data-testid`.

use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a person would wait for something to appear.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One window or tab.
#[derive(Clone, Debug)]
pub struct Page {
    client: Client,
}

impl Page {
    /// A new session at the driver; tried again until the driver listens.
    pub async fn open(port: u16, capabilities: Value) -> Result<Self> {
        let Value::Object(capabilities) = capabilities else {
            bail!("capabilities are an object")
        };
        let capabilities: Capabilities = capabilities.into_iter().collect();
        listening(port).await?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let opening = builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{port}");
        let session = tokio::time::timeout(Duration::from_secs(60), opening.connect(&address));
        let client = session.await.context("the WebDriver answered no session request")??;
        Ok(Self { client })
    }

    /// Ends the session, and with it the window.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }

    /// Goes to an address.
    pub async fn goto(&self, address: &str) -> Result<()> {
        Ok(self.client.goto(address).await?)
    }

    /// Runs a script in the page and returns its value.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client.execute(script, arguments).await?)
    }

    /// Runs a script that calls its last argument when it is done.
    pub async fn run_until_done(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client.execute_async(script, arguments).await?)
    }

    /// Asks the workstation behind the window, as its own page would; a refusal comes back as its code.
    pub async fn ask(&self, command: &str, arguments: Value) -> Result<Value> {
        let script = "const done = arguments[arguments.length - 1];
            window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1])
              .then((answer) => done({ answer }), (notice) => done({ refused: notice.code ?? String(notice) }))";
        self.run_until_done(script, vec![command.into(), arguments]).await
    }

    /// Waits until it is there and visible.
    pub async fn see(&self, id: &str) -> Result<Element> {
        self.see_within(id, PATIENCE).await
    }

    /// The same with a limit.
    pub async fn see_within(&self, id: &str, patience: Duration) -> Result<Element> {
        let begun = Instant::now();
        loop {
            if let Some(element) = self.visible(id).await? {
                return Ok(element);
            }
            if begun.elapsed() > patience {
                bail!(
                    "`{id}` did not appear within {patience:?}. The page shows:\n{}",
                    self.words().await
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Whether it is there and visible now.
    pub async fn shows(&self, id: &str) -> Result<bool> {
        Ok(self.visible(id).await?.is_some())
    }

    /// Opens the writing pane at one of its tabs, whether a kept draft has opened it already or not.
    pub async fn open_writing(&self, tab: &str) -> Result<()> {
        for _ in 0..5 {
            if self.see_within(tab, Duration::from_secs(1)).await.is_ok() {
                break;
            }
            self.click("write").await?;
        }
        self.click(tab).await
    }

    /// Waits until it is gone or hidden.
    pub async fn gone(&self, id: &str) -> Result<()> {
        let begun = Instant::now();
        while self.shows(id).await? {
            if begun.elapsed() > PATIENCE {
                bail!(
                    "`{id}` was still there after {PATIENCE:?}. The page shows:\n{}",
                    self.words().await
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// Clicks it, once it is there.
    pub async fn click(&self, id: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let clicked = match self.see(id).await?.click().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // Redrawn between finding and clicking, or something still moves over it.
            if begun.elapsed() > Duration::from_secs(5) {
                return Err(clicked).with_context(|| format!("failed to click `{id}`"));
            }
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }

    /// Clicks a checkbox or radio button whose own square is hidden behind its label.
    pub async fn tick(&self, id: &str) -> Result<()> {
        self.at_least(&format!("[data-testid=\"{id}\"]"), 1).await?;
        let script = "document.querySelector(`[data-testid=\"${arguments[0]}\"]`).click()";
        self.run(script, vec![id.into()]).await.map(drop)
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, id: &str, text: &str) -> Result<()> {
        let field = self.see(id).await?;
        field.clear().await.with_context(|| format!("failed to clear `{id}`"))?;
        field
            .send_keys(text)
            .await
            .with_context(|| format!("failed to type into `{id}`"))
    }

    /// Sets a field that has its own editor (a date) and tells the page.
    pub async fn set(&self, id: &str, value: &str) -> Result<()> {
        self.see(id).await?;
        let script = "const e = document.querySelector(`[data-testid=\"${arguments[0]}\"]`); e.value = arguments[1];
            e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}));";
        self.run(script, vec![id.into(), value.into()]).await.map(drop)
    }

    /// Its visible text.
    pub async fn text(&self, id: &str) -> Result<String> {
        Ok(self.see(id).await?.text().await?)
    }

    /// Waits until its text contains the words.
    pub async fn reads(&self, id: &str, words: &str) -> Result<String> {
        let begun = Instant::now();
        let mut last = String::new();
        while begun.elapsed() < PATIENCE {
            if let Some(element) = self.visible(id).await? {
                last = element.text().await.unwrap_or_default();
                if last.contains(words) {
                    return Ok(last);
                }
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        bail!(
            "`{id}` never read “{words}”; it reads “{last}”. The page shows:\n{}",
            self.words().await
        )
    }

    /// Waits until one of its attributes has the value, and answers its text.
    pub async fn reads_with(&self, id: &str, name: &str, value: &str) -> Result<String> {
        let selector = format!("[data-testid=\"{id}\"][{name}=\"{value}\"]");
        self.at_least(&selector, 1)
            .await
            .with_context(|| format!("`{id}` never had {name} `{value}`"))?;
        self.text(id).await
    }

    /// An attribute of it.
    pub async fn attribute(&self, id: &str, name: &str) -> Result<Option<String>> {
        Ok(self.see(id).await?.attr(name).await?)
    }

    /// How many there are of a CSS selector.
    pub async fn count(&self, selector: &str) -> Result<usize> {
        Ok(self.client.find_all(Locator::Css(selector)).await?.len())
    }

    /// Waits until there are at least so many of a CSS selector.
    pub async fn at_least(&self, selector: &str, wanted: usize) -> Result<usize> {
        let begun = Instant::now();
        loop {
            let found = self.count(selector).await?;
            if found >= wanted {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!(
                    "{found} of `{selector}`, not {wanted}, after {PATIENCE:?}. The page shows:\n{}",
                    self.words().await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The texts of all of a CSS selector.
    pub async fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(selector)).await? {
            texts.push(element.text().await.unwrap_or_default());
        }
        Ok(texts)
    }

    /// Types into the file chooser's field.
    pub async fn choose_file(&self, id: &str, file: &Path) -> Result<()> {
        let field = self
            .client
            .find(Locator::Css(&format!("[data-testid=\"{id}\"]")))
            .await?;
        Ok(field.send_keys(&file.display().to_string()).await?)
    }

    /// A picture of the page.
    pub async fn shot(&self, file: &Path) -> Result<()> {
        // One painted frame later, so that what was just clicked is in the picture.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let png = self.client.screenshot().await?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(file, png)?)
    }

    /// Everything that can be read on the page now.
    pub async fn words(&self) -> String {
        let words = self
            .run("return document.body ? document.body.innerText : ''", Vec::new())
            .await;
        words
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    async fn visible(&self, id: &str) -> Result<Option<Element>> {
        let found = self
            .client
            .find_all(Locator::Css(&format!("[data-testid=\"{id}\"]")))
            .await?;
        for element in found {
            if element.is_displayed().await.unwrap_or(false) {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}

/// Waits until something listens on the port.
async fn listening(port: u16) -> Result<()> {
    for _ in 0..300 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing listens on port {port}")
}

/// A port that is free now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
