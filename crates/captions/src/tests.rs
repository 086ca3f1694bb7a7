//! Whole files: what becomes of each form, which line is told, and what no input may do.

use super::*;

fn vtt(text: &str) -> String {
    Captions::parse(text).unwrap().to_vtt()
}

fn told(text: &str) -> (String, Option<usize>) {
    let error = Captions::parse(text).unwrap_err();
    assert!(!error.to_string().is_empty());
    (error.code().to_owned(), error.line())
}

const TWO: &str = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello, <i>world</i>!\n\n\
                   00:01:00.000 --> 01:00:00.000\n- A &amp; B\n- C\n";

#[test]
fn every_form_becomes_the_same() {
    for text in [
        TWO,
        "WEBVTT - a title\nKind: captions\n\nNOTE by me\nand you\n\nSTYLE\n::cue { color: red }\n\n\
         first\n00:01.000 --> 00:02.500\nHello, <i>world</i>!\n\n\n\n01:00.000 --> 01:00:00.000\n- A & B\n- C",
        "1\n00:00:01,000 --> 00:00:02,500\nHello, <i>world</i>!\n\n2\n00:01:00,000 --> 01:00:00,000\n- A & B\n\n- C\n\n",
        "\n\n1\r\n00:00:01,0 --> 00:00:02,5 X1:1 X2:2\r\n<font color=red>Hello</font>, <i>world</i>!\r\n\r\n\
         3\r\n00:01:00.000 --> 01:00:00.000\r\n- A &amp; B\r\n- C",
        "0:00:01.000,0:00:02.500\nHello, <i>world</i>!\n\n0:01:00.000,1:00:00.000\n- A & B[br]- C\n",
        "[Script Info]\nTitle: x\n\n[V4+ Styles]\nFormat: Name\nStyle: Dialogue: x\n\n[Events]\n\
         Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
         Dialogue: 0,0:01:00.00,1:00:00.00,Default,,0,0,0,,- A & B{\\fs20}\\N- C{\\p1}m 0 0 l 1 1{\\p0}\n\
         Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,no\n\
         Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,Hello, {\\i1\\blur3}world{\\i0}!\n",
    ] {
        assert_eq!(vtt(text), TWO, "{text}");
    }
}

#[test]
fn places_are_kept() {
    let above = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000 line:0\nup\n";
    assert_eq!(vtt("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}up\n"), above);
    let ass = "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{\\an9}up\n";
    assert_eq!(vtt(ass), above);
}

#[test]
fn cues_are_put_in_order_and_those_that_show_nothing_left_out() {
    let text = "1\n00:00:03,000 --> 00:00:04,000\nlater\n\n2\n00:00:01,000 --> 00:00:01,000\nnever\n\n\
                3\n00:00:01,000 --> 00:00:02,000\n<i>\n\n4\n00:00:00,500 --> 00:00:02,000\nfirst\n\n\
                5\n00:00:05,000 --> 00:00:06,000\n1984\n";
    let cues = Captions::parse(text).unwrap();
    let texts: Vec<&str> = cues.cues().iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!(texts, ["first", "later", "1984"]);
    let nothing = "1\n00:00:03,000 --> 00:00:04,000\n\n";
    assert_eq!(told(nothing), ("captions_empty".into(), None));
}

#[test]
fn errors_name_the_line() {
    let long = format!(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n",
        "x".repeat(LONGEST_LINE + 1)
    );
    let cue = format!("{}\n", "x".repeat(LONGEST_LINE)).repeat(2);
    let cue = format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{cue}");
    for (text, code, line) in [
        ("", "captions_empty", None),
        ("WEBVTT\n\n", "captions_empty", None),
        ("WEBVTTX\n", "captions_format", Some(1)),
        ("\n\nHello\n", "captions_format", Some(3)),
        ("a\0b", "captions_format", Some(1)),
        ("<?xml version=\"1.0\"?><tt/>", "captions_format", None),
        ("<SAMI>", "captions_format", None),
        ("{1}{25}Hello", "captions_format", None),
        (
            "WEBVTT\n\n00:01.000 --> 00:02,000\nHi\n",
            "captions_time",
            Some(3),
        ),
        (
            "WEBVTT\n\n00:01.000 -> 00:02.000\nHi\n",
            "captions_time",
            Some(4),
        ),
        (
            "WEBVTT\n\nalone\n\n00:01.000 --> 00:02.000\nHi\n",
            "captions_time",
            Some(3),
        ),
        (
            "WEBVTT\n\n00:03.000 --> 00:02.000\nHi\n",
            "captions_backwards",
            Some(3),
        ),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000 line:x\nHi\n",
            "captions_setting",
            Some(3),
        ),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n00:03.000 --> 00:04.000\n",
            "captions_time",
            Some(5),
        ),
        (
            "WEBVTT\n\n100:00:00.000 --> 100:00:01.000\nHi\n",
            "captions_too_late",
            Some(3),
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\nlost\n\n3\n00:00:03,000 --> 00:00:04,000\n",
            "captions_time",
            Some(6),
        ),
        (
            "1\n00:00:01,000 --> 00:00:0x,000\nHi\n",
            "captions_time",
            Some(2),
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n00:00:05,000 --> 00:00:04,000\nHo\n",
            "captions_backwards",
            Some(6),
        ),
        (
            "0:00:01.000,0:00:02.000\nHi\n\nHo\n",
            "captions_time",
            Some(4),
        ),
        (
            "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,x,y\n",
            "captions_time",
            Some(3),
        ),
        (
            "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00\n",
            "captions_columns",
            Some(3),
        ),
        (&long, "captions_line_too_long", Some(4)),
        (&cue, "captions_cue_too_long", Some(3)),
    ] {
        assert_eq!(
            told(text),
            (code.into(), line),
            "{:?}",
            &text[..text.len().min(80)]
        );
    }
}

#[test]
fn there_are_limits() {
    assert_eq!(
        Captions::read(&vec![b'x'; MOST_BYTES + 1], "en"),
        Err(CaptionsError::TooLarge)
    );
    let many = format!(
        "WEBVTT\n{}",
        "\n00:01.000 --> 00:02.000\nx\n".repeat(MOST_CUES + 1)
    );
    assert_eq!(told(&many).0, "captions_too_many_cues");
    let most = format!(
        "WEBVTT\n{}",
        "\n00:01.000 --> 00:02.000\nx\n".repeat(MOST_CUES)
    );
    assert_eq!(
        Captions::read(most.as_bytes(), "en").unwrap().cues().len(),
        MOST_CUES
    );
    // Each of these letters takes five.
    let text = format!("{}\n", "&".repeat(1_200));
    let swollen = format!(
        "WEBVTT\n{}",
        format!("\n00:01.000 --> 00:02.000\n{text}").repeat(1_400)
    );
    assert_eq!(Captions::parse(&swollen), Err(CaptionsError::TooLarge));
    // The longest line that can be written can be read.
    let longest = format!(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n{}",
        "&".repeat(LONGEST_CUE / 5)
    );
    let longest = Captions::parse(&longest).unwrap();
    assert_eq!(longest.cues()[0].text.len(), LONGEST_CUE);
    assert_eq!(Captions::parse(&longest.to_vtt()).unwrap(), longest);
}

#[test]
fn segments_have_what_is_shown_in_them() {
    let text = "WEBVTT\n\n00:00.000 --> 00:02.000\na\n\n00:01.500 --> 00:04.500\nb\n\n00:04.000 --> 00:05.000\nc\n";
    let captions = Captions::parse(text).unwrap();
    let shown = |start_us, end_us| {
        let window = Window {
            start_us,
            end_us,
            mpeg_start: 324_000_000,
        };
        let text = captions.segment(&window);
        let head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:324000000,LOCAL:00:00:00.000\n";
        let cues = text.strip_prefix(head).unwrap();
        assert!(cues.is_empty() || cues.starts_with('\n'));
        // What is in a segment is a file of its own.
        match Captions::parse(&text) {
            Ok(read) => read
                .cues()
                .iter()
                .map(|cue| cue.text.clone())
                .collect::<String>(),
            Err(error) => {
                assert_eq!(error, CaptionsError::Empty);
                String::new()
            }
        }
    };
    assert_eq!(shown(0, 2_000_000), "ab");
    assert_eq!(shown(2_000_000, 4_000_000), "b");
    assert_eq!(shown(2_000_000, 4_000_001), "bc");
    assert_eq!(shown(4_000_000, 6_000_000), "bc");
    assert_eq!(shown(5_000_000, 6_000_000), "");
}

/// Files that were damaged at random, always the same ones.
#[test]
fn whatever_comes_is_taken_whole_or_refused() {
    let good = [
        TWO,
        "WEBVTT\n\nid\n00:01.000 --> 00:02.000 line:10%,center position:5% align:end\n<v Ann>Hi <c.x>you</c>\n",
        "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<b>Hi</b>\n\n2\n00:00:02,000 --> 00:00:03,000\n<i>Ho\n",
        "0:00:01.000,0:00:02.000\nHi[br]Ho\n",
        "[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.00,{\\i1}Hi{\\b1}\\NHo\n",
    ];
    let pieces = [
        "-->",
        "\n",
        "\n\n",
        "<",
        ">",
        "&",
        "{\\",
        "}",
        "1\n",
        "00:00:01,000",
        "WEBVTT\n",
        "NOTE",
        "\u{feff}",
        "\0",
        "\r",
        "ß",
        "\u{2028}",
        "&#10;",
        "&#x3c;",
        "<i",
        "</",
        "Dialogue:",
        ",",
        ":",
        "99:59:59.999",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut bytes = good[random(good.len())].as_bytes().to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len() + 1);
            match random(4) {
                0 => {
                    let piece = pieces[random(pieces.len())].bytes();
                    bytes.splice(at..at, piece);
                }
                1 => {
                    let end = (at + random(12)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 if at < bytes.len() => bytes[at] = u8::try_from(random(256)).unwrap(),
                _ => {
                    let end = (at + random(40)).min(bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        let Ok(captions) = Captions::read(&bytes, "de") else {
            continue;
        };
        taken += 1;
        let shown = String::from_utf8_lossy(&bytes);
        for cue in captions.cues() {
            assert!(
                cue.start_ms < cue.end_ms && cue.end_ms <= MAX_TIME_MS,
                "{shown}"
            );
            assert!(!cue.text.is_empty() && !cue.text.contains("-->"), "{shown}");
            assert!(
                cue.text.split('\n').all(|line| !line.trim().is_empty()),
                "{shown}"
            );
        }
        // What is kept is read as what it is, for ever.
        let text = captions.to_vtt();
        assert_eq!(Captions::parse(&text).unwrap(), captions, "{shown}");
    }
    assert!(taken > 2_000, "{taken}");
}
