//! `.ico` and `.icns`: the small pictures of one file and the large ones of another, in one.
//!
//! Both formats are lists of pictures with their sizes; pictures are taken over as they are.
//! Left out: drawing them.

use anyhow::{Context, Result};

const ICO_HEADER: usize = 6;
const ICO_ENTRY: usize = 16;
const ICNS_HEADER: usize = 8;
/// 16 px and 32 px, with their masks, and 16 pt at twice the resolution.
const SMALL_ICNS: [&[u8]; 5] = [b"is32", b"s8mk", b"il32", b"l8mk", b"ic11"];

/// Pictures of up to 32 px from `small`, the others from `large`.
pub(crate) fn ico(small: &[u8], large: &[u8]) -> Result<Vec<u8>> {
    let is_small = |picture: &IcoPicture<'_>| (1..=32).contains(&picture.width);
    let mut pictures: Vec<_> = ico_pictures(small)?.into_iter().filter(is_small).collect();
    pictures.extend(ico_pictures(large)?.into_iter().filter(|picture| !is_small(picture)));
    let mut file = vec![0, 0, 1, 0];
    file.extend(u16::try_from(pictures.len())?.to_le_bytes());
    let mut offset = ICO_HEADER + ICO_ENTRY * pictures.len();
    for picture in &pictures {
        file.extend(picture.fields);
        file.extend(u32::try_from(offset)?.to_le_bytes());
        offset += picture.bytes.len();
    }
    pictures.iter().for_each(|picture| file.extend(picture.bytes));
    Ok(file)
}

/// The same for macOS.
pub(crate) fn icns(small: &[u8], large: &[u8]) -> Result<Vec<u8>> {
    let is_small = |element: &[u8]| SMALL_ICNS.iter().any(|kind| element.starts_with(kind));
    let mut elements: Vec<_> = icns_elements(small)?.into_iter().filter(|one| is_small(one)).collect();
    elements.extend(icns_elements(large)?.into_iter().filter(|one| !is_small(one)));
    let length = ICNS_HEADER + elements.iter().map(|element| element.len()).sum::<usize>();
    let mut file = b"icns".to_vec();
    file.extend(u32::try_from(length)?.to_be_bytes());
    elements.iter().for_each(|element| file.extend(*element));
    Ok(file)
}

struct IcoPicture<'a> {
    /// 0 means 256.
    width: u8,
    /// The directory entry without its last field, the offset.
    fields: &'a [u8],
    bytes: &'a [u8],
}

fn ico_pictures(file: &[u8]) -> Result<Vec<IcoPicture<'_>>> {
    let count = file.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
    let count = usize::from(count.context("not an .ico")?);
    let directory = file.get(ICO_HEADER..).unwrap_or_default().chunks_exact(ICO_ENTRY).take(count);
    let picture = |entry: &'_ [u8]| {
        let number = |at: usize| entry.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        Some((usize::try_from(number(8)?).ok()?, usize::try_from(number(12)?).ok()?))
    };
    directory
        .map(|entry| {
            let (length, offset) = picture(entry).context("an .ico with a short directory")?;
            let bytes = file.get(offset..offset + length).context("an .ico that is cut short")?;
            Ok(IcoPicture { width: entry.first().copied().unwrap_or(0), fields: &entry[..12], bytes })
        })
        .collect()
}

fn icns_elements(file: &[u8]) -> Result<Vec<&[u8]>> {
    anyhow::ensure!(file.starts_with(b"icns"), "not an .icns");
    let mut rest = file.get(ICNS_HEADER..).unwrap_or_default();
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let length = rest.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let length = usize::try_from(length.context("an .icns that is cut short")?)?;
        let (element, after) = rest.split_at_checked(length).context("an .icns that is cut short")?;
        anyhow::ensure!(length >= 8, "an .icns with an element of no length");
        elements.push(element);
        rest = after;
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ico_of(pictures: &[(u8, &[u8])]) -> Vec<u8> {
        let mut file = vec![0, 0, 1, 0, u8::try_from(pictures.len()).unwrap(), 0];
        let mut offset = ICO_HEADER + ICO_ENTRY * pictures.len();
        for (width, bytes) in pictures {
            file.extend([*width, *width, 0, 0, 1, 0, 32, 0]);
            file.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
            file.extend(u32::try_from(offset).unwrap().to_le_bytes());
            offset += bytes.len();
        }
        pictures.iter().for_each(|(_, bytes)| file.extend(*bytes));
        file
    }

    fn icns_of(elements: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, bytes) in elements {
            body.extend(*kind);
            body.extend(u32::try_from(bytes.len() + 8).unwrap().to_be_bytes());
            body.extend(*bytes);
        }
        let mut file = b"icns".to_vec();
        file.extend(u32::try_from(body.len() + 8).unwrap().to_be_bytes());
        file.extend(body);
        file
    }

    #[test]
    fn an_ico_takes_its_small_pictures_from_the_small_drawing() {
        let small = ico_of(&[(16, b"s16"), (32, b"s32"), (48, b"s48"), (0, b"s256")]);
        let large = ico_of(&[(16, b"l16"), (32, b"l32"), (48, b"l48"), (0, b"l256!")]);
        assert_eq!(
            ico(&small, &large).unwrap(),
            ico_of(&[(16, b"s16"), (32, b"s32"), (48, b"l48"), (0, b"l256!")])
        );
        assert!(ico(&small[..40], &large).is_err(), "cut short");
    }

    #[test]
    fn an_icns_takes_its_small_pictures_from_the_small_drawing() {
        let small = icns_of(&[(b"ic09", b"s512"), (b"is32", b"s16"), (b"ic11", b"s32")]);
        let large = icns_of(&[(b"ic09", b"l512!"), (b"is32", b"l16"), (b"ic11", b"l32")]);
        let both = icns_of(&[(b"is32", b"s16"), (b"ic11", b"s32"), (b"ic09", b"l512!")]);
        assert_eq!(icns(&small, &large).unwrap(), both);
        assert!(icns(&small[..30], &large).is_err(), "cut short");
        assert!(icns(b"GIF8", &large).is_err());
    }
}
