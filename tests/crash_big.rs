//! More than two gigabytes through the crash reader in one pass, in memory that does not grow with them.
//!
//! Slow, so not by default: `cargo test --release --test crash_big -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use poolwatch::crash::read::{Options, stream};
use poolwatch::crash::verdict::Cause;
use std::io::{self, Read};
use std::time::Instant;

/// What the whole process may need at most, in KiB: 64 MiB for logs that wait, and what it needs anyway.
const MOST_KIB: u64 = 200 << 10;

/// Bytes that are made while they are read.
enum Part {
    These(Vec<u8>, usize),
    Zeros(u64),
    /// Lines of a kernel's log: how many, and the one that is being read.
    Lines(u64, Vec<u8>, usize),
}

struct Made {
    parts: Vec<Part>,
    sent: u64,
}

impl Read for Made {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < out.len() {
            let Some(part) = self.parts.first_mut() else { break };
            let count = match part {
                Part::These(bytes, at) => copy(&bytes[*at..], &mut out[done..], at),
                Part::Zeros(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len() - done);
                    out[done..done + count].fill(0);
                    *left -= count as u64;
                    count
                }
                Part::Lines(left, line, at) => {
                    if *at == line.len() && *left > 0 {
                        *left -= 1;
                        *line = text(*left);
                        *at = 0;
                    }
                    copy(&line[*at..], &mut out[done..], at)
                }
            };
            if count == 0 {
                self.parts.remove(0);
            }
            done += count;
        }
        self.sent += done as u64;
        Ok(done)
    }
}

fn copy(from: &[u8], to: &mut [u8], at: &mut usize) -> usize {
    let count = from.len().min(to.len());
    to[..count].copy_from_slice(&from[..count]);
    *at += count;
    count
}

/// A line of exactly 128 bytes, different each time, so that squeezing does not make it vanish.
fn text(number: u64) -> Vec<u8> {
    let noise = number.wrapping_mul(6_364_136_223_846_793_005);
    let mut line = format!(
        "Nov 21 01:{:02}:{:02} xcp3 kernel: [{number:>9}.{:06}] block tdx: sector {noise:020} op 0x{noise:016x}",
        number / 60 % 60,
        number % 60,
        noise % 1_000_000
    );
    line.truncate(127);
    format!("{line:<127}\n").into_bytes()
}

fn header(path: &str, size: u64) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[124..136].copy_from_slice(&[&[0x80, 0, 0, 0][..], &size.to_be_bytes()].concat());
    block[136..147].copy_from_slice(format!("{:011o}", 1_795_227_510).as_bytes());
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it is there");
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[ignore = "minutes without optimisation"]
fn two_gigabytes_go_through_in_bounded_memory() {
    const LINES: u64 = (1_200 << 20) / 128;
    const ZEROS: u64 = 1 << 30;
    let fence =
        b"[  525.566500] EMERG: Kernel panic - not syncing: *** ocfs2 is very sorry to be fencing this system by panicing ***\n";
    let mut dump = fence.to_vec();
    dump.resize(512, b'\n');
    let parts = vec![
        Part::These(header("b/var/log/kern.log", LINES * 128), 0),
        Part::Lines(LINES, Vec::new(), 0),
        Part::These(header("b/console.log", ZEROS), 0),
        Part::Zeros(ZEROS),
        Part::These(header("b/var/crash/20261121-021744-UTC/dom0.log", 512), 0),
        Part::These(dump, 0),
        Part::Zeros(1_024),
    ];
    let mut made = Made { parts, sent: 0 };
    let start = Instant::now();
    let reading = stream(&mut made, "two gigabytes", &Options::default()).expect("it is read");
    let (sent, took, peak) = (made.sent, start.elapsed(), peak_kib());
    println!("{} MiB in {:.1} s, peak {} MiB, {} lines", sent >> 20, took.as_secs_f64(), peak >> 10, reading.lines);
    assert!(sent > 2 << 30, "{sent}");
    assert_eq!(reading.crashes.first().map(|crash| crash.verdict.cause), Some(Cause::O2cb), "{reading:#?}");
    assert!(peak < MOST_KIB, "{peak} KiB");
}
