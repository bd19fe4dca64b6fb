//! The files of the window: the same dashboard that is served to browsers, and one page for when there is none.

use std::borrow::Cow;

use server::Assets;
use tauri::utils::assets::{AssetKey, AssetsIter, CspHash};

/// The page that stands where the dashboard cannot be.
pub(crate) const NOTICE: &str = "notice.html";
const OWN: [(&str, &str); 3] = [
    (NOTICE, include_str!("../pages/notice.html")),
    ("notice.css", include_str!("../pages/notice.css")),
    ("notice.js", include_str!("../pages/notice.js")),
];

/// Looks files up.
pub(crate) struct Pages;

impl<R: tauri::Runtime> tauri::Assets<R> for Pages {
    fn get(&self, key: &AssetKey) -> Option<Cow<'_, [u8]>> {
        let name = key.as_ref().trim_start_matches('/');
        let own = OWN.iter().find(|(known, _)| *known == name);
        own.map(|(_, text)| Cow::Borrowed(text.as_bytes())).or_else(|| Assets::built_in().get(name))
    }

    fn iter(&self) -> Box<AssetsIter<'_>> {
        Box::new(std::iter::empty())
    }

    fn csp_hashes(&self, _page: &AssetKey) -> Box<dyn Iterator<Item = CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
