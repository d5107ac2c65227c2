//! What Slack and Discord are sent of every fixture, as files that a person can read.

use std::path::Path;

use hookpost::Profile;

use super::scene::{DISCORD, SLACK, body_for, event_of, fixtures};

/// Compares the body of each fixture with its file, or writes it where asked to.
fn compare(profile: &Profile, url: &str, applies: impl Fn(&str) -> bool) {
    let name = profile.name.as_str();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    let mut differing = Vec::new();
    for (fixture, payload) in fixtures().into_iter().filter(|(fixture, _)| applies(fixture)) {
        let body = serde_json::to_string_pretty(&body_for(profile, url, &event_of(&payload))).unwrap();
        // What nobody sees is spelled out.
        let body = body.replace('\u{200b}', "\\u200b") + "\n";
        let file = folder.join(format!("{fixture}.json"));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &body).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != body {
            differing.push(format!("tests/snapshots/{name}/{fixture}.json"));
        }
    }
    assert!(
        differing.is_empty(),
        "these differ; look at `git diff` after UPDATE_SNAPSHOTS=1 cargo test --test targets:\n{}",
        differing.join("\n")
    );
}

fn is_special(fixture: &str) -> bool {
    ["bl_04_hostile_text", "bl_09_long_content", "ls_08_unicode"].contains(&fixture)
}

#[test]
fn every_event_of_the_three_systems_reads_well_in_slack() {
    compare(&Profile::slack(), SLACK, |fixture| !is_special(fixture));
}

#[test]
fn every_event_of_the_three_systems_reads_well_in_discord() {
    compare(&Profile::discord(), DISCORD, |fixture| !is_special(fixture));
}

#[test]
fn in_slack_bl_04_is_escaped_as_entities_and_its_mention_of_everyone_is_broken() {
    compare(&Profile::slack(), SLACK, |fixture| fixture == "bl_04_hostile_text");
}

#[test]
fn in_discord_bl_04_is_escaped_by_backslashes_and_its_mentions_are_broken() {
    compare(&Profile::discord(), DISCORD, |fixture| fixture == "bl_04_hostile_text");
}

#[test]
fn in_slack_bl_09_is_cut_to_three_thousand_characters_of_a_section() {
    compare(&Profile::slack(), SLACK, |fixture| fixture == "bl_09_long_content");
}

#[test]
fn in_discord_bl_09_is_cut_to_two_thousand_of_which_a_fox_counts_two() {
    compare(&Profile::discord(), DISCORD, |fixture| fixture == "bl_09_long_content");
}

#[test]
fn ls_08_keeps_its_families_flags_and_scripts_and_loses_its_steering_characters() {
    compare(&Profile::slack(), SLACK, |fixture| fixture == "ls_08_unicode");
    compare(&Profile::discord(), DISCORD, |fixture| fixture == "ls_08_unicode");
}

#[test]
fn no_snapshot_shows_a_credential_a_phone_number_or_a_network_address() {
    for (profile, url) in super::scene::told() {
        for (fixture, payload) in fixtures() {
            let body = body_for(&profile, url, &event_of(&payload)).to_string();
            for private in ["lc_key_R4t", "+351911222333", "203.0.113.24", "2001:db8::7"] {
                assert!(!body.contains(private), "{} shows {private} of {fixture}", profile.name);
            }
        }
    }
}

#[test]
fn no_snapshot_is_left_of_a_fixture_that_is_gone() {
    let known: Vec<_> = fixtures().into_iter().map(|(name, _)| format!("{name}.json")).collect();
    for target in ["slack", "discord"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(target);
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(known.contains(&name), "tests/snapshots/{target}/{name}");
        }
    }
}
