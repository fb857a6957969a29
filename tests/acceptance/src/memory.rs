//! Looks into the memory of other processes, as root may.

use crate::process::descendants;
use memchr::memmem;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// So much is read at a time, bytes.
const PIECE: usize = 1 << 22;

/// How often one of the needles stands in the writable memory of a process and of all below it, by needle.
pub fn count(process: u32, needles: &[Vec<u8>]) -> Vec<usize> {
    let mut found = vec![0; needles.len()];
    for id in descendants(process).into_iter().chain([process]) {
        for (found, more) in found.iter_mut().zip(in_process(id, needles)) {
            *found += more;
        }
    }
    found
}

/// A process that ends meanwhile holds nothing any more.
fn in_process(id: u32, needles: &[Vec<u8>]) -> Vec<usize> {
    let mut found = vec![0; needles.len()];
    let open = |name: &str| File::open(format!("/proc/{id}/{name}"));
    let (Ok(memory), Ok(pages), Ok(regions)) = (
        open("mem"),
        open("pagemap"),
        fs::read_to_string(format!("/proc/{id}/smaps")),
    ) else {
        return found;
    };
    let longest = needles.iter().map(Vec::len).max().unwrap_or(1);
    let mut piece = vec![0; PIECE + longest];
    for (start, end) in writable(&regions) {
        for at in (start..end).step_by(PIECE) {
            // A web view reserves tens of gigabytes that it never touches.
            if !is_touched(&pages, at, end.min(at + PIECE as u64)) {
                continue;
            }
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            // Pieces overlap by less than a needle, so that one at the seam is found once.
            let Ok(read) = memory.read_at(&mut piece[..left.min(PIECE + longest - 1)], at) else {
                continue;
            };
            for (found, needle) in found.iter_mut().zip(needles) {
                *found += memmem::find_iter(&piece[..read], needle)
                    .filter(|place| *place < PIECE)
                    .count();
            }
        }
    }
    found
}

/// Whether any page between two addresses is in memory or swapped out (Documentation/admin-guide/mm/pagemap.rst of Linux: bits 63
/// and 62 of the page's eight bytes).
fn is_touched(pages: &File, start: u64, end: u64) -> bool {
    const PAGE: u64 = 4096;
    let count = usize::try_from((end - start).div_ceil(PAGE)).unwrap_or(0);
    let mut entries = vec![0; 8 * count];
    match pages.read_at(&mut entries, start / PAGE * 8) {
        Ok(read) => entries[..read].chunks_exact(8).any(|entry| entry[7] & 0xc0 != 0),
        Err(_) => true,
    }
}

/// Writable regions of which anything is in memory or swapped out.
fn writable(regions: &str) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut current = None;
    for line in regions.lines() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["Rss:" | "Swap:", "0", ..] => {}
            ["Rss:" | "Swap:", ..] => found.extend(current.take()),
            [range, rights, ..] if rights.starts_with("rw") && range.contains('-') => {
                let number = |text| u64::from_str_radix(text, 16).ok();
                current = range
                    .split_once('-')
                    .and_then(|(start, end)| number(start).zip(number(end)));
            }
            [range, _, _, _, ..] if range.contains('-') => current = None,
            _ => {}
        }
    }
    found
}
