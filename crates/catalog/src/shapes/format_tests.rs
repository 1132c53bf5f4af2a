use super::*;

#[test]
fn blanks_are_of_their_format() {
    for format in Format::ALL {
        assert!(format.holds(format.blank()), "{format:?}");
        assert_eq!(Format::parse(format.as_str()), Some(format));
    }
    for pattern in Pattern::ALL {
        assert!(pattern.holds(pattern.blank()), "{pattern:?}");
        assert_eq!(Pattern::parse(pattern.as_str()), Some(pattern));
    }
}

#[test]
fn formats_hold_and_refuse() {
    let cases: [(Format, &[&str], &[&str]); 5] = [
        (
            Format::Uuid,
            &["019FFad2-9ba1-7bc9-8d59-2dc06bc9bc75"],
            &[
                "",
                "019ffad29ba17bc98d592dc06bc9bc75",
                "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc7g",
            ],
        ),
        (
            Format::Email,
            &["a@b.co", "A.b+c!@x-1.example.com"],
            &[
                "", "a@b", "a@@b.co", "a b@c.de", ".a@b.co", "a@-b.co", "ä@b.co", "a@b..co",
            ],
        ),
        (
            Format::Date,
            &["2024-02-29", "2000-02-29", "0001-12-31"],
            &[
                "",
                "2023-02-29",
                "1900-02-29",
                "2024-13-01",
                "2024-04-31",
                "2024-1-01",
                "2024-01-0é",
            ],
        ),
        (
            Format::DateTime,
            &[
                "2024-01-01T00:00:00Z",
                "2024-01-01t23:59:59.123z",
                "2024-06-30T23:59:60Z",
                "2024-07-01T01:59:60+02:00",
                "2024-06-30T18:59:60.5-05:00",
            ],
            &[
                "",
                "2024-01-01",
                "2024-01-01T00:00:00",
                "2024-01-01 00:00:00Z",
                "2024-01-01T24:00:00Z",
                "2024-01-01T00:00:60Z",
                "2024-01-01T00:00:00.Z",
                "2024-01-01T00:00:00+0200",
                "2024-01-01T00:00:00+02:00x",
                "2024-01-01T00:00:00é",
            ],
        ),
        (
            Format::Uri,
            &[
                "https://a.example:8080/x%20y?z=1#f",
                "mailto:a@b.co",
                "http://[::1]/",
                "urn:x:y",
            ],
            &[
                "",
                "example.com",
                "//a.example/x",
                "http://a b",
                "http://a/%2",
                "http://a:x/",
                "1a:b",
                "http://ä.de",
                "a:b#c#d",
            ],
        ),
    ];
    for (format, good, bad) in cases {
        for text in good {
            assert!(format.holds(text), "{format:?} {text:?}");
        }
        for text in bad {
            assert!(!format.holds(text), "{format:?} {text:?}");
        }
    }
}

#[test]
fn patterns_hold_and_refuse() {
    let long = "a".repeat(46);
    let cases: [(Pattern, &[&str], &[&str]); 6] = [
        (
            Pattern::Clock,
            &["00:00", "23:59", "19:30"],
            &["24:00", "9:00", "12:60", "12:00 "],
        ),
        (Pattern::NotBlank, &["a", " a "], &["", " \t\n\u{feff}"]),
        (
            Pattern::WebAddress,
            &["http://x", "https://"],
            &["ftp://x", " http://x", "HTTP://x"],
        ),
        (
            Pattern::Uuid,
            &["019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75"],
            &["x"],
        ),
        (
            Pattern::PromptId,
            &["ptid_a-1"],
            &["ptid_", "a", "ptid_ptid_a", "ptid_a b"],
        ),
        (
            Pattern::PromptIdOrBlank,
            &["", "  ", "abc", "ptid_abc"],
            &["ptid_ptid_a", "a b", &long],
        ),
    ];
    for (pattern, good, bad) in cases {
        for text in good {
            assert!(pattern.holds(text), "{pattern:?} {text:?}");
        }
        for text in bad {
            assert!(!pattern.holds(text), "{pattern:?} {text:?}");
        }
    }
}
