//! A daemon with something on every page, and what is asked of pages.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::daemon::Daemon;
use super::target::Target;

/// A page that does not exist.
pub(crate) const NOWHERE: &str = "/nowhere";

/// A name that is fit for nothing but people: not for a path, not for HTML, not for a selector.
const ODD: &str = "näme <b>\"odd\" & 'chars'; +1";
/// What must never run.
const HOSTILE: &str = "<script>document.body.dataset.owned=1</script><img src=x onerror=document.body.dataset.owned=1>";
const JOB: &str = "0b1e7b1e-0000-4000-8000-00000000beef";

/// What sticks out to the right of the window, and whether the window can be scrolled that far.
pub(crate) const TOO_WIDE: &str = "
    const root = document.documentElement, wide = root.scrollWidth > innerWidth ? [`page: ${root.scrollWidth}`] : [];
    for (const e of document.querySelectorAll('body *')) {
      const inside = e.closest('.scroll, pre, .sr, .symbols, .skip');
      if (!(inside && inside !== e) && e.getBoundingClientRect().right > innerWidth + 0.5)
        wide.push(`${e.tagName}.${e.getAttribute('class')}: ${e.textContent.slice(0, 40)}`);
    }
    return wide.slice(0, 5)";

/// What stands in the content, without what goes on counting: a word that is repeated counts once, because
/// between two visits the table of looks grows by rows that say the same.
pub(crate) const WORDS: &str = "
    document.querySelectorAll('time.ago, .origin').forEach((e) => { e.textContent = ''; });
    const words = document.querySelector('main').innerText.match(/\\p{L}{3,}/gu);
    return words.filter((word, i) => word !== words[i - 1]).join(' ')";

/// What a keyboard should reach, in this order.
pub(crate) const REACHABLE: &str = "
    const all = [...document.querySelectorAll('a[href], button, input, summary')].filter((e) => e.checkVisibility());
    return all.map((e) => (e.innerText || e.name).trim().split('\\n')[0])";

/// What has the focus, whether it is marked, and whether it can be seen.
pub(crate) const FOCUS: &str = "
    const e = document.activeElement, box = e.getBoundingClientRect();
    const outlined = [null, '::after'].some((part) => {
      const style = getComputedStyle(e, part);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    });
    const seen = box.width > 0 && box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
    return { name: (e.innerText || e.name || '').trim().split('\\n')[0], outlined, seen }";

/// Every combination of ink and grounds (from the nearest to the farthest) with a text that has it.
pub(crate) const COLOURS: &str = "
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const found = new Map();
    const note = (e, ink, text) => {
      const grounds = [];
      for (let at = e; at; at = at.parentElement) {
        const ground = getComputedStyle(at).backgroundColor;
        if (ground !== 'rgba(0, 0, 0, 0)') grounds.push(ground);
      }
      const key = JSON.stringify([ink, grounds]);
      if (!found.has(key)) found.set(key, { text: text.trim().slice(0, 40), ink: rgba(ink), grounds: grounds.map(rgba) });
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const { data, parentElement: e } = walk.currentNode;
      if (data.trim() && e.checkVisibility()) note(e, getComputedStyle(e).color, data);
    }
    for (const e of document.querySelectorAll('[placeholder]'))
      note(e, getComputedStyle(e, '::placeholder').color, e.placeholder);
    return [...found.values()]";

/// A check that is looked at often and is soon down.
pub(crate) fn watched(name: &str, target: &Target) -> String {
    format!(
        "[check.{name}]\nhttp = {{ url = \"http://{}/\" }}\nevery = \"200ms\"\nfail_after = 2\ntimeout = \"1s\"\nflapping = \"off\"\n",
        target.address
    )
}

/// A daemon in which much has happened.
pub(crate) struct Scene {
    daemon: Daemon,
    /// The page of the open incident.
    pub(crate) incident: String,
    mail: String,
    _targets: [Target; 2],
}

impl Scene {
    /// One check was down and is up, one is down for hostile reasons, one is not configured; one job has
    /// reported in, one has failed, one is new; mails were sent.
    pub(crate) fn play() -> Self {
        let (shop, odd) = (Target::start(), Target::start());
        let daemon = Daemon::started(&configuration(&shop, &odd));
        daemon.until("up", |d| d.state("shop") == "up");
        shop.set(false);
        daemon.until("down", |d| {
            d.state("shop") == "down" && d.state(ODD) == "down"
        });
        let told = |path: &str, said: &str| {
            let answer = daemon.post(&format!("/ping/{JOB}{path}"), said);
            assert_eq!(answer.map(|(status, _)| status), Some(200));
        };
        told("/start", "");
        told("", HOSTILE);
        shop.set(true);
        daemon.until("up again", |d| d.state("shop") == "up");
        daemon.until("all mails written", |d| {
            let outbox = d.json("/api/v1/outbox").to_string();
            outbox.matches("\"accepted\"").count() >= 3 && !outbox.contains("\"queued\"")
        });
        let incidents = daemon.json("/api/v1/incidents")["incidents"].clone();
        let open = incidents
            .as_array()
            .into_iter()
            .flatten()
            .find(|incident| incident["check"] == ODD);
        let open = open.and_then(|incident| incident["id"].as_str());
        let outbox = daemon.json("/api/v1/outbox")["notifications"].clone();
        let mail = outbox[0]["id"].as_str().map(str::to_owned);
        Self {
            incident: format!("/incidents/{}", open.expect("an open incident")),
            mail: format!("/mail/{}", mail.expect("a mail")),
            daemon,
            _targets: [shop, odd],
        }
    }

    /// Waits until everything has been looked at once.
    pub(crate) fn settle(&self) {
        self.daemon.until("looked at", |d| {
            let status = d.json("/api/v1/status").to_string();
            // The job that never reported stays new.
            status.matches("\"state\":\"new\"").count() == 1
        });
    }

    /// Every page there is.
    pub(crate) fn paths(&self) -> Vec<String> {
        let odd = format!("/checks/{}", utf8_percent_encode(ODD, NON_ALPHANUMERIC));
        let plain = [
            "/",
            "/checks/shop",
            "/checks/job",
            "/checks/database",
            "/incidents",
            "/heartbeats",
            "/mail",
            "/about",
            NOWHERE,
        ];
        plain
            .map(str::to_owned)
            .into_iter()
            .chain([odd, self.incident.clone(), self.mail.clone()])
            .collect()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.status)
    }

    /// A word that stands on a page, so that it is known to be that page.
    pub(crate) fn word(&self, path: &str) -> &'static str {
        match self.name(path) {
            "overview-down" => "Belfry itself",
            "check" => "Ninety days",
            "heartbeat" => "Pings recorded",
            "check-not-configured" => "paused",
            "incidents" => "closed",
            "heartbeats" => "nightly backup",
            "mail" => "accepted",
            "about" => "running",
            "nowhere" => "overview",
            "check-odd" => "chars",
            "incident" => "What happened",
            _ => "Head",
        }
    }

    /// What a page is called.
    pub(crate) fn name(&self, path: &str) -> &'static str {
        match path {
            "/" => "overview-down",
            "/checks/shop" => "check",
            "/checks/job" => "heartbeat",
            "/checks/database" => "check-not-configured",
            "/incidents" => "incidents",
            "/heartbeats" => "heartbeats",
            "/mail" => "mail",
            "/about" => "about",
            NOWHERE => "nowhere",
            _ if path.starts_with("/checks/") => "check-odd",
            _ if path == self.incident => "incident",
            _ => "letter",
        }
    }
}

fn configuration(shop: &Target, odd: &Target) -> String {
    let shop_check = watched("shop", shop);
    let odd_name = toml(ODD);
    let pattern = toml(HOSTILE);
    let address = odd.address;
    format!(
        "{shop_check}group = \"Shop\"\nrunbook = \"https://wiki.example.org/shop\"\n\n\
         [check.{odd_name}]\ntcp = {{ address = \"{address}\", send = \"x\\n\", expect = {pattern} }}\n\
         every = \"500ms\"\nfail_after = 1\ngroup = {group}\n\n\
         [check.database]\npostgres = {{ url = \"\" }}\n\n\
         [heartbeat.job]\nevery = \"1h\"\nuuid = \"{JOB}\"\n\n\
         [heartbeat.nightly-backup]\ncron = \"0 3 * * *\"\ngrace = \"30m\"\ngroup = \"Backup\"\n\n\
         [email]\nto = [\"ops@example.org\"]\n",
        group = toml("<i>Group</i> & co"),
    )
}

/// A text as TOML writes it.
fn toml(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
