//! Any bytes as a recording: as they are, and behind a header, packed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch::recording::player::look_through;

fuzz_target!(|bytes: &[u8]| {
    look_through(bytes.to_vec());
    let mut text = b"{\"schema\":\"poolwatch-recording/1\",\"pool\":\"p\",\"start\":1000}\n".to_vec();
    text.extend_from_slice(bytes);
    if let Ok(packed) = zstd::encode_all(&text[..], 1) {
        look_through(packed);
    }
});
