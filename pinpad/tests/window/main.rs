//! The PIN window under a real X server, with a real `pcscd` and virtual cards, typed into as a person types.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod bench;
mod memory;
mod stores;

use bench::{Bench, PIN, job};
use serde_json::{Value, json};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_hsm::pinjob::PinAnswer;
use wardkey_hsm::{PivCard, Slot};

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("no error")
}

fn key_of(reader: &str, slot: Slot) -> PublicKey {
    PivCard::open(reader).unwrap().public_key(slot).unwrap()
}

#[test]
fn the_holder_chooses_a_pin_and_the_card_signs_and_agrees_with_it() {
    let bench = Bench::new();
    let card = bench.prepared();
    let (reader, peer) = (card.reader(), SoftKey::generate().unwrap());

    let mut window = bench.open(&job(&card, "choose", json!([])));
    window.enter("123456");
    window.enter("345678");
    window.enter(PIN);
    window.enter("48291358");
    window.enter(PIN);
    window.enter(PIN);
    assert_eq!(window.answer(), json!({"ok": []}));

    let digest = wardkey_core::key::sha256(&[b"delegation"]);
    let operations = json!([
        {"op": "sign", "slot": "9a", "digest": to_hex(&digest)},
        {"op": "sign", "slot": "9c", "digest": to_hex(&digest)},
        {"op": "agree", "slot": "9d", "peer": peer.public().to_string()},
    ]);
    let mut window = bench.open(&job(&card, "use", operations));
    window.enter(PIN);
    let answer = window.answer();
    let PinAnswer::Ok(outcomes) = serde_json::from_value(answer.clone()).unwrap() else {
        panic!("{answer}")
    };
    assert_eq!(outcomes.len(), 3);
    for (outcome, slot) in answer["ok"]
        .as_array()
        .unwrap()
        .iter()
        .zip([Slot::Authentication, Slot::Signature])
    {
        let signature = serde_json::from_value(outcome["signature"].clone()).unwrap();
        key_of(reader, slot).verify(b"delegation", &signature).unwrap();
    }
    let expected = peer.agree(&key_of(reader, Slot::KeyManagement)).unwrap();
    assert_eq!(answer["ok"][2]["shared"], to_hex(&*expected));
}

#[test]
fn a_wrong_pin_is_told_and_typed_again() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.enter("111222");
    bench.wait_for_tries(card.reader(), 2);
    assert!(window.is_open());
    window.enter(PIN);
    assert_eq!(window.answer(), json!({"ok": []}));
    bench.wait_for_tries(card.reader(), 3);
}

#[test]
fn the_last_try_is_spent_only_when_confirmed_and_blocks_the_card() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.enter("111222");
    bench.wait_for_tries(card.reader(), 2);
    window.enter("111223");
    bench.wait_for_tries(card.reader(), 1);
    window.enter("111224");
    window.key("Escape");
    bench.wait_for_tries(card.reader(), 1);
    window.enter("111224");
    window.pause(900);
    window.key("Return");
    bench.wait_for_tries(card.reader(), 0);
    window.pause(300);
    window.key("Return");
    assert_eq!(code(&window.answer()), "pin-blocked");

    let mut window = bench.open(&job(&card, "use", json!([])));
    window.pause(700);
    window.key("Return");
    assert_eq!(code(&window.answer()), "pin-blocked");
}

#[test]
fn a_touched_yubikey_costs_no_try() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.enter_fast("cccccbcvbhkhkgjhnlurrbkdhicghrdkfiunlkdbbnhu");
    window.pause(300);
    assert!(window.is_open());
    bench.wait_for_tries(card.reader(), 3);
    window.enter(PIN);
    assert_eq!(window.answer(), json!({"ok": []}));
}

#[test]
fn a_pulled_card_closes_the_window() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.type_in("4829");
    window.pause(400);
    drop(card);
    assert_eq!(code(&window.answer()), "card-removed");
}

#[test]
fn a_card_pulled_while_it_signs_costs_no_try() {
    const GENERAL_AUTHENTICATE: u8 = 0x87;
    let bench = Bench::new();
    let card = bench.ready();
    let sign = json!([{"op": "sign", "slot": "9c", "digest": "07".repeat(32)}]);
    let mut window = bench.open(&job(&card, "use", sign.clone()));
    card.pull_at(GENERAL_AUTHENTICATE);
    window.enter(PIN);
    let answer = window.answer();
    assert!(matches!(code(&answer), "card-pulled" | "card-removed"), "{answer}");
    drop(card);
    bench.wait_until_empty();
    // Longer than the card service's own look at its readers takes.
    window.pause(500);

    let card = bench.again();
    bench.wait_for_tries(card.reader(), 3);
    let mut window = bench.open(&job(&card, "use", sign));
    window.enter(PIN);
    assert!(window.answer()["ok"][0]["signature"].is_string());
}

#[test]
fn an_empty_reader_and_another_card_are_told() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut other = job(&card, "use", json!([]));
    other["serial"] = json!("1");
    let mut window = bench.open(&other);
    window.pause(700);
    window.key("Return");
    assert_eq!(code(&window.answer()), "card-wrong");

    let kept = job(&card, "use", json!([]));
    drop(card);
    bench.wait_until_empty();
    let mut window = bench.open(&kept);
    window.pause(700);
    window.key("Escape");
    assert_eq!(code(&window.answer()), "card-absent");
}

#[test]
fn esc_cancels_and_nobody_listening_ends_it() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.key("Escape");
    assert_eq!(code(&window.answer()), "pin-cancelled");

    let mut window = bench.open(&job(&card, "use", json!([])));
    window.stop_listening();
    window.ends_by_itself();
}

#[test]
fn a_pin_taken_back_is_nowhere_in_memory_and_no_core_can_be_dumped() {
    let bench = Bench::new();
    let card = bench.ready();
    let mut window = bench.open(&job(&card, "use", json!([])));
    window.type_in("90418273");
    window.pause(300);
    assert_eq!(
        memory::count(window.pid(), b"90418273"),
        1,
        "typed digits are in one place"
    );
    window.key("Delete");
    window.pause(300);
    assert_eq!(
        memory::count(window.pid(), b"90418273"),
        0,
        "and nowhere after they were taken back"
    );
    assert!(memory::core_dumps_are_off(window.pid()));
    window.key("Escape");
    assert_eq!(code(&window.answer()), "pin-cancelled");
}

/// No graphics driver of any kind: the loaders of OpenGL and Vulkan find no vendor.
const NO_DRIVER: [(&str, &str); 4] = [
    ("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent"),
    ("__GLX_VENDOR_LIBRARY_NAME", "nonexistent"),
    ("VK_DRIVER_FILES", "/nonexistent"),
    ("VK_ICD_FILENAMES", "/nonexistent"),
];

#[test]
fn each_renderer_takes_a_pin_and_the_other_stands_in_where_the_first_fails() {
    let bench = Bench::new();
    let card = bench.ready();
    let wgpu_first = ("WARDKEY_PINPAD_RENDERER", "wgpu");
    let wgpu_works = [wgpu_first, ("WGPU_BACKEND", "gl")];
    // Vulkan without a driver: wgpu finds no adapter, and OpenGL opens the window.
    let wgpu_fails = [wgpu_first, ("WGPU_BACKEND", "vulkan"), NO_DRIVER[2], NO_DRIVER[3]];
    for environment in [&[][..], &wgpu_works, &wgpu_fails] {
        let mut window = bench.open_with(&job(&card, "use", json!([])), environment);
        window.enter(PIN);
        assert_eq!(window.answer(), json!({"ok": []}), "{environment:?}");
    }
}

#[test]
fn without_any_graphics_driver_both_renderers_are_tried_and_no_pin_is_asked_for() {
    let bench = Bench::without_glx();
    let card = bench.ready();
    let (answer, said) = bench::run_unseen(&bench, &job(&card, "use", json!([])), &NO_DRIVER);
    assert_eq!(code(&answer), "pinpad-no-window");
    let place = |renderer: &str| said.find(&format!("failed to open the window with {renderer}"));
    assert!(place("glow").unwrap() < place("wgpu").unwrap(), "{said}");
}

#[test]
fn without_a_job_or_a_display_it_says_so() {
    for (line, display, expected) in [
        ("", ":0", "pin-job-bad"),
        ("{\"reader\":\"x\",\"pin\":\"123456\"}\n", ":0", "pin-job-bad"),
        (
            &format!("{}\n", bench::plain_job("nowhere")),
            ":7777",
            "pinpad-no-window",
        ),
    ] {
        let answer = bench::run_without_window(line, display);
        assert_eq!(code(&answer), expected, "{answer}");
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
