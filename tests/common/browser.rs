//! A real browser, driven by chromedriver; tests say what to do and wait for what is to be seen.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::{ParseError, Url};

/// Longest wait for one answer of the browser, and for anything to be seen.
const PATIENCE: Duration = Duration::from_secs(45);

/// A browser with one window, new and empty.
pub(crate) struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    driver: Child,
    /// Kept open: chromedriver ends when it cannot write.
    _said: BufReader<ChildStdout>,
    _profile: TempDir,
}

/// How a window looks at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Eyes {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `light` or `dark`.
    pub(crate) scheme: &'static str,
}

impl Eyes {
    pub(crate) const LIGHT: Self = Self {
        width: 1_180,
        height: 900,
        scheme: "light",
    };
    pub(crate) const DARK: Self = Self {
        scheme: "dark",
        ..Self::LIGHT
    };
}

impl Browser {
    /// Starts chromedriver on a port of its choice, and by it a browser without a window on the screen.
    pub(crate) fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "chromedriver is needed for these tests: apt-get install chromium chromium-driver",
            );
        let mut said = BufReader::new(driver.stdout.take().expect("it was asked for"));
        let port = port(&mut said).expect("chromedriver listens before it ends");
        let profile = tempfile::tempdir().expect("a temporary folder");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        if let Value::Object(wishes) = wishes(profile.path()) {
            builder.capabilities(wishes);
        }
        let client = runtime.block_on(async {
            tokio::time::timeout(
                PATIENCE,
                builder.connect(&format!("http://127.0.0.1:{port}")),
            )
            .await
        });
        let browser = Self {
            client: Some(
                client
                    .expect("chromedriver answers in time")
                    .expect("a browser starts: is chromium of the same version as chromedriver?"),
            ),
            runtime,
            driver,
            _said: said,
            _profile: profile,
        };
        browser.look(Eyes::LIGHT);
        browser
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("taken by drop only")
    }

    #[track_caller]
    fn wait<T>(&self, what: impl Future<Output = Result<T, CmdError>>) -> T {
        self.attempt(what).expect("the browser does it")
    }

    #[track_caller]
    fn attempt<T>(&self, what: impl Future<Output = Result<T, CmdError>>) -> Result<T, CmdError> {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, what).await })
            .expect("the browser answers in time")
    }

    /// Opens a page and waits until it is there.
    #[track_caller]
    pub(crate) fn go(&self, url: &str) {
        self.wait(self.client().goto(url));
    }

    /// What a script (the body of a function) returns.
    #[track_caller]
    pub(crate) fn eval(&self, script: &str) -> Value {
        self.wait(self.client().execute(script, Vec::new()))
    }

    /// The same as a text.
    #[track_caller]
    pub(crate) fn text(&self, script: &str) -> String {
        self.eval(script).as_str().unwrap_or_default().to_owned()
    }

    /// All that is to be read on the page.
    #[track_caller]
    pub(crate) fn words(&self) -> String {
        self.text("return document.body.innerText")
    }

    /// Waits until a script returns true. The page may be exchanged meanwhile.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, script: &str) {
        let began = Instant::now();
        loop {
            let answer = self.attempt(self.client().execute(script, Vec::new()));
            if matches!(answer, Ok(Value::Bool(true))) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "never {what}: {answer:?}\n{}",
                self.words()
            );
        }
    }

    /// Waits until a text stands on the page.
    #[track_caller]
    pub(crate) fn reads(&self, text: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        self.until(&format!("to be read: {text}"), &script);
    }

    /// Clicks on what is found, and waits until another page is there.
    #[track_caller]
    pub(crate) fn click_through(&self, css: &str) {
        self.eval("window.before = true");
        let began = Instant::now();
        // A live page may exchange an element between finding and clicking it.
        while let Err(why) = self.attempt(self.click(css)) {
            assert!(began.elapsed() < PATIENCE, "cannot click {css}: {why}");
        }
        self.until(
            "another page",
            "return window.before === undefined && document.readyState === 'complete'",
        );
    }

    /// Types into a field.
    #[track_caller]
    pub(crate) fn write(&self, css: &str, text: &str) {
        let began = Instant::now();
        // A live page may exchange a field between finding it and writing in it; then nothing was written.
        while let Err(why) = self.attempt(self.type_into(css, text)) {
            assert!(began.elapsed() < PATIENCE, "cannot write into {css}: {why}");
        }
    }

    async fn type_into(&self, css: &str, text: &str) -> Result<(), CmdError> {
        let field = self.client().find(Locator::Css(css)).await?;
        field.send_keys(text).await
    }

    async fn click(&self, css: &str) -> Result<(), CmdError> {
        self.client().find(Locator::Css(css)).await?.click().await
    }

    /// Presses the key Tab.
    #[track_caller]
    pub(crate) fn tab(&self) {
        let key = char::from(fantoccini::key::Key::Tab);
        let press = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.wait(self.client().perform_actions(press));
    }

    /// Looks at pages from now on with these eyes.
    #[track_caller]
    pub(crate) fn look(&self, eyes: Eyes) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": eyes.width, "height": eyes.height, "deviceScaleFactor": 1, "mobile": false}),
        );
        self.prefer(&[("prefers-color-scheme", eyes.scheme)]);
    }

    /// Answers media queries so.
    #[track_caller]
    pub(crate) fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// Lets pages run scripts, or not.
    #[track_caller]
    pub(crate) fn scripts(&self, on: bool) {
        self.devtools(
            "Emulation.setScriptExecutionDisabled",
            &json!({"value": !on}),
        );
    }

    /// A command of the Chrome `DevTools` protocol.
    #[track_caller]
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", &body)
    }

    /// What the console said since it was asked last.
    #[track_caller]
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.post("se/log", &json!({"type": "browser"}));
        let lines = lines.as_array().cloned().unwrap_or_default();
        let line = |line: Value| format!("{} {}", line["level"], line["message"]);
        lines.into_iter().map(line).collect()
    }

    /// The whole page as a PNG, as wide as the window.
    #[track_caller]
    pub(crate) fn picture(&self, eyes: Eyes) -> Vec<u8> {
        self.look(eyes);
        let height = self.eval("return document.documentElement.scrollHeight");
        let height = height
            .as_u64()
            .and_then(|height| u32::try_from(height).ok())
            .expect("a page has a height");
        self.look(Eyes { height, ..eyes });
        self.wait(self.client().screenshot())
    }

    #[track_caller]
    fn post(&self, path: &'static str, body: &Value) -> Value {
        let command = Post {
            path,
            body: body.to_string(),
        };
        self.wait(self.client().issue_cmd(command))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let closed = self
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, client.close()).await });
            // The browser goes with its driver in any case.
            drop(closed);
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// Reads which port chromedriver has taken.
fn port(said: &mut BufReader<ChildStdout>) -> Option<u16> {
    let mut line = String::new();
    while said.read_line(&mut line).expect("chromedriver speaks") > 0 {
        let after = line.split("started successfully on port ").nth(1);
        if let Some(port) = after.and_then(|port| port.trim().trim_end_matches('.').parse().ok()) {
            return Some(port);
        }
        line.clear();
    }
    None
}

/// A browser that asks nobody else in the world, and keeps what its console says.
fn wishes(profile: &Path) -> Value {
    let mut arguments: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Containers have a small /dev/shm, on which tabs crash.
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}

/// A command of chromedriver beside those of the standard.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.clone()))
    }
}
