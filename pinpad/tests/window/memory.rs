//! Looks into another process, as root may.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// How often `needle` stands in the writable memory of a process.
pub fn count(pid: u32, needle: &[u8]) -> usize {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    maps.lines()
        .filter_map(writable)
        .map(|(start, end)| count_between(&memory, start, end, needle))
        .sum()
}

/// True if the process can leave no core behind.
pub fn core_dumps_are_off(pid: u32) -> bool {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    core.split_whitespace().skip(4).take(2).eq(["0", "0"])
}

fn writable(line: &str) -> Option<(u64, u64)> {
    let mut parts = line.split_whitespace();
    let (range, rights) = (parts.next()?, parts.next()?);
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    if rights.starts_with("rw") {
        number(start).zip(number(end))
    } else {
        None
    }
}

/// Regions that cannot be read (of the graphics driver) hold no typed digits.
fn count_between(memory: &File, start: u64, end: u64, needle: &[u8]) -> usize {
    let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
    match memory.read_at(&mut bytes, start) {
        Ok(read) => bytes[..read]
            .windows(needle.len())
            .filter(|window| *window == needle)
            .count(),
        Err(_) => 0,
    }
}
