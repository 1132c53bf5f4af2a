use serde_json::json;

use crate::shapes::{Book, Kind, Rest};

fn fault(text: &str) -> String {
    Book::read(&[("some.txt", text)]).unwrap_err().to_string()
}

#[test]
fn the_form_is_read() {
    let text = r#"
# A comment.
enum Size
  small "very large"
  3

type Item: object closed
  size: string | integer in (@Size null)
  "odd name"?: list | null items 1..3 of list of uuid

entity Thing: object fields 1..
  a: Item | null read-only
  n?: number range -1.5..2 default 1
  *: string length ..4

op makeThing
  path
    id: uuid
  query
    kind?: string default small
  body?: any
    one of
      - Thing
      - null
  200: list of Thing
  201
  202 text/csv: string
"#;
    let book = Book::read(&[("some.txt", text)]).unwrap();
    let thing = book.entity("Thing").unwrap();
    let item = thing.field("a").unwrap();
    assert!(item.required && item.shape.is_nullable() && item.shape.read_only);
    assert_eq!(item.shape.name.as_deref(), Some("Item"));
    assert_eq!(item.shape.kinds, [Kind::Object, Kind::Null]);
    assert_eq!(item.shape.rest, Rest::Closed);
    let uuid = "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75";
    for good in [
        json!({"a": null, "x": "four"}),
        json!({"a": {"size": 3.0}, "n": -1.5}),
        json!({"a": {"size": "very large", "odd name": [[uuid], []]}}),
    ] {
        thing.check(&good).unwrap();
    }
    for bad in [
        json!({}),
        json!({"a": {"size": null}}),
        json!({"a": {"size": "3"}}),
        json!({"a": {"size": 3, "odd name": []}}),
        json!({"a": {"size": 3, "odd name": [["x"]]}}),
        json!({"a": {"size": 3, "other": 1}}),
        json!({"a": null, "n": 2.5}),
        json!({"a": null, "x": "fünfe"}),
    ] {
        assert!(!thing.fits(&bad), "{bad}");
    }
    let op = book.op("makeThing").unwrap();
    assert_eq!(op.responses.len(), 3);
    assert!(!op.body.as_ref().unwrap().required);
    assert!(op.check_body(Some(&json!(null))).is_ok());
    assert!(op.check_body(Some(&json!(1))).is_err());
}

#[test]
fn a_broken_line_is_refused_by_its_number() {
    let head = "entity A: object\n  a: string\n";
    for (line, why) in [
        ("  b: strin", "no kind is named `strin`"),
        ("  b: String", "no shape is named `String`"),
        (
            "  b string",
            "a name expected; quote it if it is not of letters, digits, _ and -",
        ),
        ("  b:", "`NAME: SHAPE` or `NAME?: SHAPE` expected"),
        ("  b: string of string", "`of` needs the kind array"),
        ("  b: list of", "a kind expected"),
        ("  b: string range 1..2", "`range` needs the kind integer"),
        ("  b: number range 2..1", "a range that bounds nothing"),
        ("  b: number range ..", "a range that bounds nothing"),
        ("  b: number range 1", "`A..B` expected"),
        ("  b: number range x..", "`x` is no bound"),
        ("  b: string length -1..", "`-1` is no bound"),
        ("  b: string in", "`@NAME` or `(` expected"),
        ("  b: string in ()", "a value expected"),
        ("  b: string in (a", "a value expected"),
        (
            "  b: string in (3x)",
            "`3x` is no number; a string is quoted",
        ),
        ("  b: string in @Nothing", "no enum is named `Nothing`"),
        ("  b: string pattern roman", "no pattern is named `roman`"),
        (
            "  b: string in (\"a)",
            "a quoted string or a list is broken",
        ),
        ("  b: string quickly", "`quickly` means nothing here"),
        ("  b: string default 1", "the default does not fit"),
        ("  b: string | string", "`string` adds nothing, or too much"),
        ("  b: any | null", "`null` adds nothing, or too much"),
        ("  b: uuid | date", "one format at a time"),
        ("  b: null | A", "`A` stands first or alone"),
        ("  b: A", "`A` holds itself"),
        ("  a: string", "`a` is there twice"),
        (
            "  b c: string",
            "a name expected; quote it if it is not of letters, digits, _ and -",
        ),
        ("    b: string", "only an object has fields"),
        ("      b: string", "nothing above it to belong to"),
        ("   b: string", "indented by 3: a step is 2, up to 24"),
        ("\tb: string", "only spaces indent, and no line ends in one"),
        (
            "  b: string ",
            "only spaces indent, and no line ends in one",
        ),
        ("  any of", "`- SHAPE` expected below"),
        ("  *?: string", "one `*:`, and on an open object"),
        ("type A: string", "`A` is declared twice"),
        (
            "type a: string",
            "a name of letters and digits, capital first",
        ),
        (
            "types B: string",
            "`enum`, `type`, `entity` or `op` expected",
        ),
    ] {
        assert_eq!(
            fault(&format!("{head}{line}")),
            format!("some.txt:3: {why}"),
            "{line}"
        );
    }
    for (text, why) in [
        (
            "op a\n  200: string\n  200: string",
            "some.txt:3: 200 is there twice",
        ),
        (
            "op a\n  fails 404",
            "some.txt:2: no shape is named `Error404`",
        ),
        (
            "op a\n  999: string",
            "some.txt:2: `999` is no part of an operation",
        ),
        (
            "op a\n  204\n    b: string",
            "some.txt:3: nothing goes below the line above",
        ),
        ("op a\nop a", "some.txt:2: `a` is there twice"),
        (
            "type B: object\ntype C: B\n  x: any",
            "some.txt:3: a named shape is taken as it is",
        ),
        (
            "type B: object\n  any of\n    - C\ntype C: B",
            "some.txt:4: `B` holds itself",
        ),
    ] {
        assert_eq!(fault(text), why);
    }
}
