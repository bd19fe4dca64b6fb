//! Which process listens on a port, where the system lets us see it: Linux, and processes of this account.

/// The process id and name of whoever listens on `port`.
#[cfg(target_os = "linux")]
pub(super) fn of(port: u16) -> Option<(u32, String)> {
    use std::fs;

    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Other accounts' processes do not show their files.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = |file: &fs::DirEntry| {
            let target = fs::read_link(file.path()).unwrap_or_default();
            sockets.iter().any(|socket| target.as_os_str() == socket.as_str())
        };
        if files.flatten().any(|file| holds(&file)) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some((id, name.trim().to_owned()));
        }
    }
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: u16) -> Option<(u32, String)> {
    None
}

/// The inodes of sockets that listen on `port`, from a table of the kernel's.
#[cfg(target_os = "linux")]
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTENING: &str = "0A";
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, hex) = columns.get(1)?.rsplit_once(':')?;
        let same = u16::from_str_radix(hex, 16) == Ok(port) && columns.get(3) == Some(&LISTENING);
        same.then(|| columns.get(9).map(|inode| (*inode).to_owned())).flatten()
    };
    table.lines().skip(1).filter_map(row).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1\n\
            1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1\nrubbish";
        assert_eq!(listening(table, 8080), ["4242"]);
        assert!(listening(table, 40_000).is_empty());
    }

    #[test]
    fn we_find_ourselves() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = of(listener.local_addr().unwrap().port());
        assert_eq!(found.map(|(process, _)| process), Some(std::process::id()));
    }
}
