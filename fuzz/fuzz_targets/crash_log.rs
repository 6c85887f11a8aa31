//! Any bytes as a log of any kind and name: the first byte chooses it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch::crash::gather::{File, Gather};
use poolwatch::crash::layout;

const NAMES: [&str; 9] = [
    "console.log",
    "what.txt",
    "var/log/kern.log",
    "var/log/xha.log",
    "var/log/xensource.log",
    "xl-dmesg.out",
    "var/crash/20261121-021744-UTC/dom0.log",
    "var/crash/20261121-021744-UTC/xen.log",
    "var/crash/crash.log",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let mut gather = Gather::new((first & 0x80 != 0).then(|| "xcp3".to_owned()));
    let file = File { shown: name, mtime: Some(1_795_227_510), named: true };
    let Some(mut desk) = gather.begin(file, &layout::place_of_one(name)) else { return };
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
        gather.line(&mut desk, number, line);
    }
    gather.end(desk);
    let _ = gather.finish();
});
