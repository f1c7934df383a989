//! What the outside may send at its worst: text that wants to be markup, and more incidents than fit a page.

use super::*;

fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<script>",
        "</script>",
        "\"",
        "'",
        "]]>",
        "<!--",
        "&",
        "<img src=x onerror=",
        "javascript:",
        "{{",
        "\u{202e}",
        "ü",
        " x",
    ]);
    prop::collection::vec(pieces, 1..6)
        .prop_map(|pieces| format!("\"><script>evil{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn text_from_outside_is_never_markup(name in hostile(), message in hostile()) {
        let watched = Check { runbook: Some(message.as_str().into()), not_configured: None, ..probe(&name, &message, &message, &message) };
        let mut story = Story::begin(vec![(watched, 3)], NOW);
        for _ in 0..3 {
            story.look(NOW, &name, Outcome::fail(&message));
        }
        let (view, vitals) = (story.view(NOW), vitals());
        let shell = Shell { node: &message, notice: Some(&message), ..shell(&view, &vitals) };
        for (page, html) in pages(&shell) {
            let html = html.into_string();
            prop_assert_eq!(html.matches("<script").count(), 1, "{}", page);
            prop_assert!(!html.contains("<img") && !html.contains("]]><") && !html.contains("<!--"), "{}", page);
            prop_assert!(!html.contains("\"javascript:"), "{}", page);
        }
    }
}

#[test]
fn a_hundred_open_incidents_are_twenty_cards_and_a_list() {
    let checks = (0..100)
        .map(|n| (probe(&format!("service-{n}"), "", "tcp", ""), 0))
        .collect();
    let mut story = Story::begin(checks, NOW);
    for n in 0..300 {
        story.look(NOW, &format!("service-{}", n / 3), Outcome::fail("refused"));
    }
    let (view, vitals) = (story.view(NOW), vitals());
    let page = overview(&shell(&view, &vitals)).into_string();
    assert!(page.contains("<h1>100 checks are down</h1>"));
    assert_eq!(page.matches("<article").count(), 20);
    assert!(page.contains("80 more open incidents"));
    assert_eq!(
        incidents(&shell(&view, &vitals), &[])
            .into_string()
            .matches("<tr>")
            .count(),
        81
    );
}
