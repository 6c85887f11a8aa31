//! Any bytes as a recording: as they are, and behind a header, packed. Read at its ends, and looked through for crashes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch::cli::crash::past::explain_from;
use poolwatch::crash::report::Reading;
use poolwatch::recording::player::{Player, look_through};
use poolwatch::recording::read::Recording;

fuzz_target!(|bytes: &[u8]| {
    look(bytes.to_vec());
    let mut text = b"{\"schema\":\"poolwatch-recording/1\",\"pool\":\"p\",\"start\":1000}\n".to_vec();
    text.extend_from_slice(bytes);
    if let Ok(packed) = zstd::encode_all(&text[..], 1) {
        look(packed);
    }
});

fn look(bytes: Vec<u8>) {
    look_through(bytes.clone());
    let Ok(recording) = Recording::of_bytes("bytes", bytes) else { return };
    let mut player = Player::of(recording, jiff::tz::TimeZone::UTC);
    let mut reading = Reading::default();
    let _ = explain_from(&mut reading, &mut player, "bytes", None, None);
}
