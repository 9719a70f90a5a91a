//! What packets look like, for ever: another implementation has to read and write the same bytes.

/// Each line is a field: tag, length, value. The first is version, type and header length.
pub(crate) const GOLDEN: [(&str, &[&str]); 23] = [
    (
        "message",
        &[
            "01 01 0034",
            "01 04 75736572",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "0b 0a 746578742f706c61696e",
            "0c 05 01 6b 76 c3a9",
            "0c 03 02 6b32",
            "10 02 ac02",
            "68656c6c6f",
        ],
    ),
    (
        "message that asks nothing",
        &["01 01 0015", "01 01 61", "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb"],
    ),
    (
        "request",
        &[
            "01 01 0033",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0a 02 b017",
            "06 03 808004",
            "0f 01 04",
            "3f",
        ],
    ),
    (
        "offer",
        &[
            "01 02 002f",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "05 01 01",
            "08 03 808040",
        ],
    ),
    (
        "offer of a request",
        &[
            "01 02 0030",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "06 01 00",
            "0f 01 04",
            "05 01 02",
        ],
    ),
    (
        "accept",
        &[
            "01 03 002f",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "05 01 02",
            "06 03 808004",
        ],
    ),
    (
        "confirm",
        &[
            "01 04 001f",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "04 01 07",
            "13 08 cccccccccccccccc",
        ],
    ),
    ("data", &["01 05 0017", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa", "07 03 808001", "00ff"]),
    (
        "data of a reply",
        &["01 05 0018", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa", "0f 01 01", "07 01 00", "78"],
    ),
    (
        "end",
        &["01 06 001c", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa", "08 02 8101", "09 04 deadbeef"],
    ),
    (
        "credit",
        &[
            "01 07 002e",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "07 01 05",
            "06 02 8001",
        ],
    ),
    (
        "credit of one that has started",
        &[
            "01 07 003b",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0f 01 08",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "07 01 05",
            "06 02 8001",
            "13 08 cccccccccccccccc",
        ],
    ),
    (
        "last credit of a reply",
        &[
            "01 07 0030",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0f 01 03",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "07 01 05",
            "06 01 05",
        ],
    ),
    ("ping", &["01 08 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"]),
    (
        "reset",
        &[
            "01 09 0020",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "04 01 07",
            "0d 01 09",
            "0e 06 6469736b203f",
        ],
    ),
    (
        "stop",
        &[
            "01 0a 002d",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "05 01 01",
            "0d 01 01",
        ],
    ),
    (
        "reply",
        &[
            "01 0b 0027",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "6f6b",
        ],
    ),
    (
        "reply stream",
        &[
            "01 0c 003c",
            "11 10 7272727272727272 7272727272727272",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "08 01 00",
        ],
    ),
    (
        "failure",
        &[
            "01 0d 004c",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "05 01 02",
            "0d 02 8f4e",
            "0e 03 626164",
            "12 08 6e6f2e73746f636b",
            "0b 10 6170706c69636174696f6e2f6a736f6e",
            "7b7d",
        ],
    ),
    (
        "failure after the start, transient",
        &[
            "01 0d 002d",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "05 01 01",
            "0f 01 18",
            "0d 01 0f",
        ],
    ),
    ("cancel", &["01 0e 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"]),
    (
        "alive",
        &[
            "01 0f 0027",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "05 01 02",
        ],
    ),
    ("probe", &["01 10 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"]),
];
