/* The words in their pools. On purpose, some words have bytes that no line may
 * have. */
#include "words.h"

#define W(text) { text, sizeof(text) - 1 }

/* Mostly names that exist. There are few names, so that several commands use
 * the same one. */
static const struct slice good_paths[] = {
    W("/a"),    W("/b"),     W("/d/a"), W("/d/e/a"),    W("/a"),   W("/d/a"),
    W("/b"),    W("/e"),     W("/d"),   W("a"),         W("b"),    W("c.txt"),
    W("d"),     W("d"),      W("e"),    W("d/a"),       W("d/b"),  W("d/e"),
    W("d/e/a"), W("/a"),     W("/b"),   W("/d"),        W("/d/a"), W("/d/e"),
    W("/e/a"),  W("/d/e/b"), W("A B"),  W("\303\274"),  W("q\"q"), W("-l"),
    W("a"),     W("d/e"),    W("e/b"),  W("f\376\377"),
};

static const struct slice odd_paths[] = {
    W(".."),
    W("."),
    W("/"),
    W("../a"),
    W("d/.."),
    W("d/../a"),
    W("./a"),
    W("//a"),
    W("a/"),
    W("d//a"),
    W("../../../.."),
    W("*"),
    W("a*"),
    W("?"),
    W("["),
    W("[!a]"),
    W("d/*"),
    W("/d/?"),
    W("*/"),
    W("?/.."),
    W("[a-b]*/."),
    W("*/a"),
    W("d/[a]"),
    W("~"),
    W("$HOME"),
    W("%s%n%n"),
    W("a\tb"),
    W("a\001"),
    W("\177"),
    W(".sallyport-"),
    W("d/.sallyport-x"),
    W("\033[2J"),
    W(" a"),
    W("a "),
    W("a;b"),
    W(" "),
    W("nothing"),
    W("nothing/a"),
    W("a/b"),
    W("..."),
    W("/etc/passwd"),
    W("../../etc/passwd"),
    W("/proc/self/root"),
    W(".sallyport-0123456789abcdef0123456789abcdef.part"),
    W("a\\b"),
    W("C:\\a"),
    W("\200\201"),
};

static const struct slice numbers[] = {
    W("0"),
    W("1"),
    W("5"),
    W("10"),
    W("100"),
    W("4999"),
    W("9"),
    W("65536"),
    W("0"),
    W("1"),
    W("5"),
    W("10"),
    W("100"),
    W("65535"),
    W("65536"),
    W("65536"),
    W("65537"),
    W("131072"),
    W("140000"),
    W("1000000"),
    W("1000001"),
    W("9223372036854775806"),
    W("9223372036854775807"),
    W("9223372036854775808"),
    W("18446744073709551615"),
    W("18446744073709551616"),
    W("99999999999999999999999999999"),
    W("-1"),
    W("+1"),
    W("0x10"),
    W("1e3"),
    W("007"),
    W("12a"),
    W("1 "),
    W("\xb2"),
};

static const struct slice moments[] = {
    W("20200101000000"),
    W("20210203040506"),
    W("20200101000001"),
    W("20200101000000"),
    W("20210203040506"),
    W("20200101000001"),
    W("20200101000000"),
    W("20210203040506"),
    W("20200101000001"),
    W("20200101000000"),
    W("20210203040506"),
    W("20200101000001"),
    W("20200101000000"),
    W("20200229235959"),
    W("20000229120000"),
    W("19700101000000"),
    W("19991231235959.123"),
    W("20190229000000"),
    W("19691231235959"),
    W("20201301000000"),
    W("20200101240000"),
    W("20200101000060"),
    W("2020"),
    W("20200101000000."),
    W("20200101000000.x"),
    W("abcdefghijklmn"),
    W("202001010000"),
    W("202013010000"),
    W("-2020010100000"),
    W("202001010000000"),
};

static const struct slice octals[] = {
    W("600"), W("700"),  W("700"),  W("640"),  W("500"), W("400"),
    W("644"), W("0777"), W("700"),  W("0755"), W("400"), W("500"),
    W("477"), W("0"),    W("4755"), W("1000"), W("377"), W("77777"),
    W("9"),   W("u+x"),  W("-1"),   W("07"),
};

static const struct slice options[] = {
    W("UTF8 ON"),
    W("UTF8"),
    W("utf8 off"),
    W("MLST type;size;"),
    W("MLST"),
    W("MLST nothing"),
    W("mlst Type;UNIX.mode;"),
    W("HASH"),
    W("HASH SHA-512"),
    W("HASH sha-256"),
    W("HASH MD5"),
    W("STOR"),
    W("STOR conflict=version"),
    W("HASH "),
    W("NOPE"),
    W("MODE Z"),
    W("MODE Z LEVEL 6"),
    W("MODE S"),
    W("-"),
    W("MLST ;;;;;;;;;;;;"),
};

static const struct slice types[] = {
    W("A"), W("I"),   W("I"),   W("L 8"), W("A N"), W("a"),
    W("E"), W("A T"), W("L 7"), W("L"),   W("II"),  W("I "),
};

static const struct slice letters[] = {
    W("S"), W("F"), W("P"), W("p"), W("C"), W("E"),  W("B"),
    W("Z"), W("s"), W("f"), W("R"), W("X"), W("P "), W("PP"),
};

static const struct slice families[] = {
    W("1"),  W("1"),    W("2"),
    W("3"),  W("ALL"),  W("all"),
    W("x"),  W("1 "),   W("99999999999999999999"),
    W("-1"), W("ALL "),
};

static const struct slice mechanisms[] = {
    W("TLS"),   W("TLS"),  W("TLS"),         W("SSL"),
    W("tls-c"), W("TLS "), W("KERBEROS_V4"), W("\001"),
};

static const struct slice commands[] = {
    W("RETR"), W("retr"),   W("SITE"), W(" NOOP "), W("NOPE"),
    W("XPWD"), W("RETR x"), W("%s"),   W("A"),      W("ABORT"),
};

static const struct slice rubbish[] = {
    W("x"),
    W(" "),
    W("  "),
    W("%s%s%s%n"),
    W("\t"),
    W("\001\002\003"),
    W("1,2,3"),
    W("127,0,0,1,4,1"),
    W("256,0,0,1,0,0"),
    W("|1|127.0.0.1|4097|"),
    W("|9|::1|1|"),
    W("\\r\\n"),
    W("'; DROP TABLE"),
    W("\xc3\x28"),
    W("a\033]0;b\007"),
};

static const struct slice whole_lines[] = {
    W(""),        W(" "),          W("NOPE"),
    W("NOPE a"),  W("N\0OP"),      W("NOOP\0"),
    W("NO\rOP"),  W("NO\nOP"),     W("\r"),
    W("\n"),      W("NOOP\rQUIT"), W("RETRa"),
    W("LISTING"), W("STO"),        W("noop "),
    W(" NOOP"),   W("NOOP\t"),     W("GET / HTTP/1.1"),
    W("POST a"),  W("\200\201"),   W("XXXXXXXX"),
};

#define POOL(list) { list, sizeof(list) / sizeof(*(list)) }

const struct pool pools[POOL_COUNT] = {
    [GOOD_PATHS] = POOL(good_paths),
    [ODD_PATHS] = POOL(odd_paths),
    [NUMBERS] = POOL(numbers),
    [MOMENTS] = POOL(moments),
    [OCTALS] = POOL(octals),
    [OPTIONS] = POOL(options),
    [TYPES] = POOL(types),
    [LETTERS] = POOL(letters),
    [FAMILIES] = POOL(families),
    [MECHANISMS] = POOL(mechanisms),
    [COMMANDS] = POOL(commands),
    [RUBBISH] = POOL(rubbish),
    [WHOLE_LINES] = POOL(whole_lines),
};
