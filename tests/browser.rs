//! Every page of the real daemon in a real browser: what changes by itself, what an operator does, what is
//! heard in the console, what fits a phone, what a keyboard reaches, what eyes can read.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::Value;

#[path = "common/browser.rs"]
mod browser;
#[path = "common/daemon.rs"]
mod daemon;
#[path = "browser/scene.rs"]
mod scene;
#[path = "common/target.rs"]
mod target;

use browser::{Browser, Eyes};
use daemon::{Daemon, root};
use scene::{Scene, watched};
use target::Target;

/// The narrowest phone that still is around.
const PHONE: Eyes = Eyes {
    width: 375,
    height: 812,
    scheme: "light",
};

/// What WCAG asks for ordinary text.
const CONTRAST: f64 = 4.5;

const CALM: &str = "return /^All \\d+ checks are up$/.test(document.querySelector('h1').innerText) && !document.querySelector('.incident')";

#[test]
fn an_open_overview_follows_a_target_that_goes_down_and_comes_back() {
    let shop = Target::start();
    let daemon = Daemon::started(&watched("shop", &shop));
    let browser = Browser::open();
    browser.go(&format!("http://{}/", daemon.status));
    browser.until("calm", CALM);
    browser.eval("window.marker = 'the same page'");

    shop.set(false);
    browser.until(
        "told that the shop is down",
        "return document.querySelector('h1').innerText === 'shop is down' \
         && document.querySelector('.incident.down h2')?.innerText === 'shop' \
         && document.querySelector('.check.down .name b')?.innerText === 'shop' \
         && document.title === 'shop is down · web-1'",
    );
    browser.reads("503 Service Unavailable");

    shop.set(true);
    browser.until("calm again", CALM);
    assert_eq!(browser.text("return window.marker"), "the same page");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn an_open_page_says_that_the_daemon_is_gone_and_goes_on_when_it_is_back() {
    let shop = Target::start();
    let mut daemon = Daemon::started(&watched("shop", &shop));
    let browser = Browser::open();
    browser.go(&format!("http://{}/", daemon.status));
    browser.until("calm", CALM);
    browser.reads("live");
    browser.eval("window.marker = 'the same page'");

    daemon.kill();
    browser.reads("not connected, last seen");
    shop.set(false);
    daemon.start();
    browser.reads("shop is down");
    browser.until(
        "live",
        "return document.getElementById('live').innerText === 'live'",
    );
    assert_eq!(browser.text("return window.marker"), "the same page");
}

#[test]
fn an_operator_acknowledges_pauses_resumes_and_runs_with_the_buttons() {
    let (shop, till, rare) = (Target::start(), Target::start(), Target::start());
    let once = format!(
        "[check.rare]\nhttp = {{ url = \"http://{}/\" }}\nevery = \"1d\"\n",
        rare.address
    );
    let daemon = Daemon::started(&format!(
        "{}{}{once}",
        watched("shop", &shop),
        watched("till", &till)
    ));
    let browser = Browser::open();
    browser.go(&format!("http://{}/", daemon.status));
    shop.set(false);
    browser.reads("shop is down");

    browser.click_through(".incident form[action$='/ack'] button");
    browser.reads("acknowledged by operator at 127.0.0.1");
    browser.until(
        "in the timeline",
        "return document.querySelector('.timeline').innerText.includes('acknowledged')",
    );

    till.set(false);
    browser.go(&format!("http://{}/", daemon.status));
    browser.reads("2 checks are down");
    browser.until(
        "two cards, the acknowledged one below",
        "return [...document.querySelectorAll('.incident h2')].map((h) => h.innerText).join() === 'till,shop'",
    );
    browser.click_through(".incident footer > a");
    // What is being written survives the updates of the page.
    browser.write("input[name=note]", "<b>on it</b>");
    browser.click_through(".act button");
    browser.reads("“<b>on it</b>”");

    browser.go(&format!("http://{}/checks/shop", daemon.status));
    browser.click_through("form[action$='/pause'] button");
    browser.reads("shop is paused");
    assert_eq!(daemon.state("shop"), "paused");
    shop.set(true);
    browser.click_through("form[action$='/resume'] button");
    browser.reads("shop is up");

    browser.go(&format!("http://{}/checks/rare", daemon.status));
    let before = rare.hits.load(Ordering::SeqCst);
    browser.click_through("form[action$='/run'] button");
    daemon.until("looked at", |_| rare.hits.load(Ordering::SeqCst) > before);
    browser.reads("rare is up");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn every_page_is_quiet_whole_and_fits_a_phone_by_day_and_by_night() {
    let scene = Scene::play();
    let browser = Browser::open();
    for path in scene.paths() {
        browser.go(&scene.url(&path));
        let complaints: Vec<String> = browser
            .console()
            .into_iter()
            // That the page itself is not there is said by the browser, too.
            .filter(|line| !(path == scene::NOWHERE && line.contains("status of 404")))
            .collect();
        assert_eq!(complaints, Vec::<String>::new(), "{path}");
        let frame = browser.eval(
            "return [document.documentElement.lang, document.querySelectorAll('h1').length, \
             document.querySelectorAll('main').length, document.title.length > 9, \
             document.body.dataset.owned === undefined]",
        );
        assert_eq!(frame.to_string(), "[\"en\",1,1,true,true]", "{path}");
        for scheme in ["light", "dark"] {
            browser.look(Eyes { scheme, ..PHONE });
            let wide = browser.eval(scene::TOO_WIDE);
            assert_eq!(wide.to_string(), "[]", "{path} in {scheme}");
            let faint = faint(&browser);
            assert_eq!(faint, Vec::<String>::new(), "{path} in {scheme}");
        }
        browser.look(Eyes::LIGHT);
    }
}

#[test]
fn every_page_says_the_same_without_scripts() {
    let scene = Scene::play();
    scene.settle();
    let browser = Browser::open();
    let words = |path: &str, scripts: bool| {
        browser.scripts(scripts);
        browser.go(&scene.url(path));
        if !scripts {
            let live = browser.text("return document.getElementById('live').innerText");
            assert_eq!(live, "", "{path}: scripts are off");
        }
        browser.text(scene::WORDS)
    };
    for path in scene.paths() {
        let mut with = words(&path, true);
        let mut without = words(&path, false);
        // What is watched goes on between two visits; a page that really differs does so each time.
        for _ in 0..5 {
            if with == without {
                break;
            }
            with = words(&path, true);
            without = words(&path, false);
        }
        assert_eq!(without, with, "{path}");
        assert!(with.contains(scene.word(&path)), "{path}: {with}");
    }
}

#[test]
fn the_key_tab_reaches_everything_in_order_and_shows_where_it_is() {
    let scene = Scene::play();
    let browser = Browser::open();
    for path in ["/".to_owned(), scene.incident.clone()] {
        browser.go(&scene.url(&path));
        let all = browser.eval(scene::REACHABLE);
        let all: Vec<&str> = all
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert!(all.len() >= 12, "{all:?}");
        for expected in all {
            browser.tab();
            let focus = browser.eval(scene::FOCUS);
            assert_eq!(focus["name"], expected, "{path}: {focus}");
            assert_eq!(focus["outlined"], true, "{path}: {focus}");
            assert_eq!(focus["seen"], true, "{path}: {focus}");
        }
    }
}

#[test]
fn the_hello_pages_look_as_they_should_and_follow_an_edit() {
    let mut daemon = Daemon::new("");
    let folder = daemon.dir.path().join("hello");
    std::fs::create_dir(&folder).expect("made");
    for file in ["hello.html", "shrunken.html", "shrunken.css", "logo.svg"] {
        std::fs::copy(root().join("config/hello").join(file), folder.join(file)).expect("copied");
    }
    daemon.start();
    let browser = Browser::open();

    browser.go(&format!("http://{}/", daemon.shrunken));
    browser.reads("Hello shrunken world!");
    let logo = "const logo = document.querySelector('img'); \
                return [logo.alt, logo.complete && logo.naturalWidth > 0, getComputedStyle(logo).animationName]";
    let motion = |wish| {
        browser.prefer(&[("prefers-reduced-motion", wish)]);
        browser.eval(logo).to_string()
    };
    assert_eq!(motion("no-preference"), "[\"logo\",true,\"swing\"]");
    assert_eq!(motion("reduce"), "[\"logo\",true,\"none\"]");
    browser.look(PHONE);
    assert_eq!(browser.eval(scene::TOO_WIDE).to_string(), "[]");

    browser.go(&format!("http://{}/", daemon.hello));
    assert_eq!(
        browser.text("return getComputedStyle(document.querySelector('h1')).color"),
        "rgb(255, 165, 0)"
    );
    let new = folder.join("hello.html.new");
    std::fs::write(&new, "<h1 style=\"color: teal\">Hello again!</h1>").expect("written");
    std::fs::rename(new, folder.join("hello.html")).expect("moved");
    browser.until(
        "the edited page",
        "const h1 = document.querySelector('h1'); \
         return h1.innerText === 'Hello again!' && getComputedStyle(h1).color === 'rgb(0, 128, 128)'",
    );
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn pictures_can_be_taken_of_every_page() {
    let kept = std::env::var_os("BELFRY_SCREENSHOTS").map(PathBuf::from);
    let browser = Browser::open();
    let phone = Eyes {
        width: 390,
        height: 844,
        ..PHONE
    };
    let take = |name: &str| {
        let eyes = [
            ("light", Eyes::LIGHT),
            ("dark", Eyes::DARK),
            ("phone", phone),
        ];
        for (kind, eyes) in eyes {
            let picture = browser.picture(eyes);
            let width = picture.get(16..20).map(<[u8]>::to_vec);
            assert_eq!(
                width,
                Some(eyes.width.to_be_bytes().to_vec()),
                "{name}-{kind}"
            );
            if let Some(folder) = &kept {
                std::fs::create_dir_all(folder).expect("$BELFRY_SCREENSHOTS can be made");
                let file = folder.join(format!("{name}-{kind}.png"));
                std::fs::write(file, picture).expect("$BELFRY_SCREENSHOTS can be written to");
            }
        }
    };
    let empty = Daemon::started("");
    let page = |path: &str| browser.go(&format!("http://{}{path}", empty.status));
    page("/");
    browser.until("calm", CALM);
    take("overview-calm");
    for (path, name) in [
        ("/incidents", "incidents-empty"),
        ("/heartbeats", "heartbeats-empty"),
        ("/mail", "mail-empty"),
    ] {
        page(path);
        take(name);
    }
    let scene = Scene::play();
    scene.settle();
    for path in scene.paths() {
        browser.go(&scene.url(&path));
        take(scene.name(&path));
    }
}

/// What is written too faintly on the page to be read, each with its contrast.
fn faint(browser: &Browser) -> Vec<String> {
    let written = browser.eval(scene::COLOURS);
    let written = written.as_array().cloned().unwrap_or_default();
    assert!(written.len() >= 3, "{written:?}");
    let of = |text: &Value| {
        let grounds = text["grounds"].as_array().cloned().unwrap_or_default();
        // From the canvas up to what lies directly below the text.
        let ground = grounds.iter().rev().map(rgba).fold([255.0; 3], over);
        let ink = over(ground, rgba(&text["ink"]));
        let (a, b) = (luminance(ink), luminance(ground));
        let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
        (contrast < CONTRAST).then(|| format!("{contrast:.2}: {}", text["text"]))
    };
    written.iter().filter_map(of).collect()
}

fn rgba(colour: &Value) -> [f64; 4] {
    let part = |at: usize| colour[at].as_f64().unwrap_or_default();
    [part(0), part(1), part(2), part(3)]
}

fn over(ground: [f64; 3], [r, g, b, a]: [f64; 4]) -> [f64; 3] {
    let share = a / 255.0;
    let mix = |below: f64, above: f64| below + (above - below) * share;
    [mix(ground[0], r), mix(ground[1], g), mix(ground[2], b)]
}

/// As WCAG defines it.
fn luminance([r, g, b]: [f64; 3]) -> f64 {
    let linear = |part: f64| {
        let share = part / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}
