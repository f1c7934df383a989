//! What a look at a Postgres has found, and what that cost.

use super::*;

#[test]
fn what_a_message_has_no_room_for_is_on_the_page_of_its_check() {
    let start = NOW - Duration::from_mins(1);
    let mut story = Story::begin(vec![(probe("shop", "Shop", "postgres", "db"), 0)], start);
    let outcome = Outcome::new(Verdict::Warn, "connections 97 %; and 1 more");
    let outcome = outcome.with_left_out(&["bloat <b>".to_owned()]);
    story.look(start, "shop", outcome);
    let (view, vitals) = (story.view(NOW), vitals());
    let shell = shell(&view, &vitals);
    let shop = view.engine.named("shop").expect("watched");
    let html = check(&shell, shop, &Past::default()).into_string();
    assert!(
        html.contains("and 1 more</p><ul><li>bloat &lt;b&gt;</li></ul>"),
        "{html}"
    );
}

#[test]
fn what_single_questions_cost_is_folded_away_behind_what_they_found() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let shell = shell(&view, &vitals);
    let shop = view.engine.named("shop").expect("watched");
    let page = |names: &[&str]| {
        let series = |name: &&str| Series {
            name: (*name).into(),
            unit: Unit::Seconds,
            count: 1,
            least: 0.1,
            most: 0.1,
            mean: 0.1,
        };
        let windows = [(NOW - WINDOW, names.iter().map(series).collect())];
        check(&shell, shop, &windowed(&windows)).into_string()
    };
    let html = page(&["cost of locks", "locks", "cost of bloat", "suite"]);
    let (before, folded) = html
        .split_once("<details><summary>Cost of each question</summary>")
        .expect("it is folded away");
    let folded = folded.split("</details>").next().expect("it ends");
    for name in ["<h3>locks ", "<h3>suite "] {
        assert!(before.contains(name) && !folded.contains(name), "{name}");
    }
    for name in ["<h3>cost of locks ", "<h3>cost of bloat "] {
        assert!(folded.contains(name) && !before.contains(name), "{name}");
    }
    assert!(!page(&["locks"]).contains("Cost of each"));
}
