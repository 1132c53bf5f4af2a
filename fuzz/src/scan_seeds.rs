//! Where the targets of the scanner start: keys in text and in archives, made when they are run.

#![allow(missing_docs, reason = "one function a target, named like it")]

pub fn detector_file() -> Vec<Vec<u8>> {
    let small = "id = \"acme.key\"\ntitle = \"Acme key\"\nseverity = \"high\"\nwhy = \"w\"\nremedy = \"r\"\n\
                 keywords = [\"acme_\"]\npattern = '(?<secret>acme_[a-z0-9]{20})'\nentropy = 2.5\n\
                 checks = [\"varied\"]\nnear = [\"key\"]\nwithin = 40\nstop = [\"x\"]\nextend = \"token\"\n\
                 paths = [\"*.env\", \"**/a/?b\"]\nnot_paths = [\"*.lock\"]\npriority = 9\n\
                 examples = [\"key acme_{rand:lower36:20}\"]\nnegatives = [\"acme_{uuid}\"]\n";
    let builtin = doorward_scan::Detectors::builtin_files();
    let builtin = builtin.step_by(12).map(|(_, text)| text);
    builtin
        .chain([small])
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

/// Filled at run time: no file holds a key, even one that opens nothing.
fn hidden() -> String {
    let mut source = doorward_scan::generate::Source::new(1);
    let template = "curl -H 'Authorization: Bearer {upstream_key}' # {b64:key {upstream_key}}\n\
                    url=%68ttps%3A%2F%2Fx%2F{upstream_key_cut}%3D%3D \\u0067hp_{github_token}\\n\
                    smtp://a%40b.com:{rand:base62:16}@smtp.acme.com k = \"gh\" + \"p_{github_token}\" =\n\
                    &quot;{client_key}&#34; // doorward:allow[a,b] reason until 2027-01-31\n";
    doorward_scan::generate::fill(template, &mut source)
}

pub fn decoded() -> Vec<Vec<u8>> {
    let text = hidden();
    let wide = text.encode_utf16().flat_map(u16::to_le_bytes);
    let wide = [0xff, 0xfe].into_iter().chain(wide).collect();
    let binary = [&[0, 1, 2, 255][..], text.as_bytes(), &[0; 40]].concat();
    let mut all = vec![text.clone().into_bytes(), wide, binary];
    all.extend(text.lines().map(|line| line.as_bytes().to_vec()));
    all
}

/// A tar of one member; its checksum is right.
fn tarball(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; bytes.len().next_multiple_of(512) - bytes.len() + 1024];
    [&header[..], bytes, &padding].concat()
}

/// A gzip stream that is stored, not compressed: small changes of it stay streams.
fn stored_gzip(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let mut all = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    all.extend(length.to_le_bytes());
    all.extend((!length).to_le_bytes());
    all.extend_from_slice(bytes);
    all.extend([0; 8]);
    all
}

/// A zip of one stored member.
fn stored_zip(name: &str, bytes: &[u8], checksum: u32) -> Vec<u8> {
    let (length, size) = (name.len() as u16, bytes.len() as u32);
    let mut middle = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    middle.extend(checksum.to_le_bytes());
    middle.extend(size.to_le_bytes());
    middle.extend(size.to_le_bytes());
    middle.extend(length.to_le_bytes());
    middle.extend([0, 0]);
    let local = [b"PK\x03\x04", &middle[..], name.as_bytes(), bytes].concat();
    let central = [b"PK\x01\x02\x14\0", &middle[..], &[0; 14], name.as_bytes()].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

pub fn archive() -> Vec<Vec<u8>> {
    let text = hidden();
    let tar = tarball("notes/a.txt", text.as_bytes());
    let zip = stored_zip("b.txt", text.as_bytes(), crc32fast::hash(text.as_bytes()));
    vec![
        stored_gzip(text.as_bytes()),
        stored_gzip(&tar),
        tarball("c.zip", &zip),
        tar,
        zip,
    ]
}
