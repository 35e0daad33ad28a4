/* A server that lies must not harm local files, the terminal, or the user's
 * trust. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "faulty.h"
#include "support/files.h"

/* Only blanks and the ends of lines are allowed control characters. C1
 * characters, and those that reverse text, count as control characters too. */
static void expect_harmless(const char *what, const struct run_result *r)
{
    static const char *const unwanted[] = { "\302\233", "\342\200\256" };

    for (size_t i = 0; i < r->len; i++) {
        unsigned char c = (unsigned char)r->text[i];

        cr_expect((c >= 0x20 || c == '\n') && c != 0x7f, "%s: byte %02x in %s",
                  what, c, r->text);
    }
    for (size_t i = 0; i < 2; i++)
        cr_expect_null(strstr(r->text, unwanted[i]), "%s: %s", what, r->text);
}

/* STATUS < 0: any. */
struct deed {
    int status;
    const char *word[5]; /* "/..." is a URL; NULL: a line of a session */
    const char *line;
};

static void do_deed(struct faulty *f, const struct deed *d)
{
    char *arguments[DESK_ARGUMENTS], url[8][1024];
    const char *what = d->line ? d->line : d->word[0];
    struct run_result r;
    size_t n = 0;

    arguments[n++] = (char *)server_program("sallyport");
    arguments[n++] = "--cacert";
    arguments[n++] = f->desk.ca;
    arguments[n++] = "--password-file";
    arguments[n++] = f->desk.password;
    arguments[n++] = "--retries=0";
    for (size_t i = 0; i < 5 && d->word[i]; i++) {
        snprintf(url[i], sizeof(url[i]), "%s%s",
                 d->word[i][0] == '/' ? f->desk.url : "", d->word[i]);
        arguments[n++] = url[i];
    }
    arguments[n] = NULL;
    run_arguments(&r, d->line, arguments);
    cr_expect(d->status < 0 || r.status == d->status, "%s: status %d: %s", what,
              r.status, r.text);
    expect_harmless(what, &r);
    run_release(&r);
}

/* With every command only the good name becomes a local file. */
static const struct deed deeds[] = {
    { EX_PROTOCOL, { "get", "-r", "/", "in" }, NULL },
    { 0, { "get", "--conflict=overwrite", "/*", "in" }, NULL },
    { 0, { "cat", "/*" }, NULL },
    { 0, { "ls", "-a", "/" }, NULL },
    { 0, { "ls", "-a", "--json", "/" }, NULL },
    { 0, { "ls", "/*" }, NULL },
    { 0, { "du", "/" }, NULL },
    { -1, { "hash", "/*" }, NULL },
    { -1, { "rm", "/*" }, NULL },
    { EX_PROTOCOL, { "sync", "--delete", "/", "in" }, NULL },
    { EX_PROTOCOL, { "sync", "--json", "/", "in" }, NULL },
    { -1, { "sync", "--delete", "from", "/" }, NULL },
    { 0, { "/" }, "lcd in\nmget --conflict overwrite *\n" },
    { 0, { "/" }, "lcd in\nget --conflict overwrite good\nls\n" },
    { EX_PROTOCOL, { "/" }, "mget -r .\n" },
};

static void expect_good_alone(const char *fault)
{
    static struct faulty f;

    faulty_begin(&f, fault, "good");
    files_make_folder("in", 0755);
    files_make_folder("from", 0755);
    files_write("escaped", "mine", 4, 0644);
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        struct run_result r;

        do_deed(&f, &deeds[i]);
        run(&r, NULL, "/bin/ls", "-A", "in", NULL);
        cr_expect(r.len == 0 || strcmp(r.text, "good\n") == 0, "%s: %s",
                  deeds[i].word[0], r.text);
        run_release(&r);
    }
    desk_file("escaped", "mine");
    cr_expect_gt(faulty_count("DELE good"), 0);
    cr_expect_eq(faulty_count("DELE "), faulty_count("DELE good"));
    cr_expect_eq(faulty_count("RETR "), faulty_count("RETR good"));
    faulty_end(&f);
}

Test(liar, names, .timeout = 200)
{
    expect_good_alone("names");
}

Test(liar, names_of_list, .timeout = 200)
{
    expect_good_alone("names_of_list");
}

/* Replies and names with bytes that a terminal would obey. */
Test(liar, control_characters, .timeout = 200)
{
    static const struct deed rude[] = {
        { 0, { "ls", "/" }, NULL },
        { 0, { "ls", "--json", "/" }, NULL },
        { 0, { "get", "-r", "/", "in" }, NULL },
        { 0, { "get", "-r", "--json", "--conflict=overwrite", "/" }, NULL },
        { 0, { "du", "--json", "/" }, NULL },
        { -1, { "rm", "/file" }, NULL },
        { -1, { "rm", "--json", "/file" }, NULL },
        { -1, { "rm", "--debug", "/file" }, NULL },
        { -1, { "rm", "--json", "/*" }, NULL },
        { -1, { "put", "--conflict=overwrite", "file", "/new" }, NULL },
        { -1,
          { "put", "--json", "--conflict=overwrite", "file", "/new" },
          NULL },
        { -1, { "mkdir", "/new" }, NULL },
        { -1, { "mv", "/file", "/new" }, NULL },
        { -1, { "rm", "-r", "/" }, NULL },
        { -1, { "doctor", "/" }, NULL },
        { -1, { "doctor", "--json", "/" }, NULL },
        { -1, { "/" }, "ls\nrm file\n" },
    };
    static struct faulty f;

    faulty_begin(&f, "rude", "good");
    files_write("file", "mine", 4, 0644);
    for (size_t i = 0; i < sizeof(rude) / sizeof(rude[0]); i++)
        do_deed(&f, &rude[i]);
    faulty_end(&f);
}

/* The address in PASV is ignored: the data connection goes to the address of
 * the control connection. */
Test(liar, address, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "pasv_only", "good");
    desk_says(&f.desk, 0, NULL, "get", "/file", NULL);
    cr_expect(files_exists("file"));
    cr_expect_gt(faulty_count("PASV"), 0);
    faulty_end(&f);
}

static void expect_trust(struct faulty *f, int status, size_t users,
                         const char *a, const char *b)
{
    DESK_ALONE(status, NULL, NULL, "ls", "--password-file", f->desk.password,
               f->desk.url, (char *)a, (char *)b);
    cr_expect_eq(faulty_count("USER "), users, "%s", a ? a : "nothing");
    cr_expect_eq(faulty_count("PASS "), users, "%s", a ? a : "nothing");
}

/* Reads the key that --trust-new has shown and remembered. */
static void remembered_pin(char pin[64])
{
    struct buf known;

    buf_init(&known, 4096);
    cr_assert(files_read(".local/share/sallyport/known_hosts", &known));
    const char *at = memmem(known.data, known.len, "sha256//", 8);
    cr_assert_not_null(at);
    snprintf(pin, 64, "%.52s", at);
    buf_release(&known);
}

/* A server that nothing confirms gets neither name nor password. */
Test(liar, trust, .timeout = 100)
{
    static const char wrong[] =
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    static struct faulty f;
    char pin[64];

    faulty_begin(&f, "none", "good");
    expect_trust(&f, EX_NOPERM, 0, NULL, NULL);
    expect_trust(&f, EX_NOPERM, 0, "--pin", wrong);
    expect_trust(&f, EX_NOPERM, 0, "--trust-new", NULL); /* no terminal */
    expect_trust(&f, 0, 1, "--trust-new", "--yes");
    expect_trust(&f, 0, 2, NULL, NULL); /* remembered */
    expect_trust(&f, EX_NOPERM, 2, "--pin", wrong);
    remembered_pin(pin);
    expect_trust(&f, 0, 3, "--pin", pin);
    pin[10] = pin[10] == 'A' ? 'B' : 'A';
    expect_trust(&f, EX_NOPERM, 3, "--pin", pin);
    faulty_end(&f);
}

/* A certificate from a trusted CA, but for another name or time. */
Test(liar, certificates, .timeout = 100)
{
    static const char *const certificates[] = { "other", "late" };
    static struct faulty f;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, "none", certificates[i]);
        desk_says(&f.desk, EX_NOPERM, NULL, "ls", "/", NULL);
        cr_expect_eq(faulty_count("USER "), 0, "%s", certificates[i]);
        faulty_end(&f);
    }
}

/* Output that is lost is a failure. Descriptors that the caller has closed
 * don't become those of sockets, which would get the messages in plain text. */
Test(liar, closed_output, .timeout = 60)
{
    static const struct {
        const char *line, *says;
        int status;
    } rows[] = {
        { "ls --json /file >/dev/full", "standard output can't be written",
          EX_IOERR },
        { "ls /file >/dev/full", "standard output can't be written", EX_IOERR },
        { "ls /file <&- >&-", "", EX_IOERR },
        { "cat /file <&- >&- 2>&-", "", EX_IOERR },
        { "cat /file >/dev/full", "No space left on device", EX_CANTCREAT },
    };
    static struct faulty f;
    struct run_result r;
    char line[4096];

    faulty_begin(&f, "none", "good");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *words = rows[i].line;
        int verb = (int)strcspn(words, "/");

        snprintf(line, sizeof(line),
                 "%s --cacert %s --password-file %s %.*s%s%s",
                 server_program("sallyport"), f.desk.ca, f.desk.password, verb,
                 words, f.desk.url, words + verb);
        run(&r, NULL, "/bin/sh", "-c", line, NULL);
        cr_expect_eq(r.status, rows[i].status, "%s: %d %s", words, r.status,
                     r.text);
        cr_expect_not_null(strstr(r.text, rows[i].says), "%s: %s", words,
                           r.text);
        run_release(&r);
    }
    faulty_end(&f);
}

/* A server without TLS gets nothing, and plain text is never spoken. */
Test(liar, no_tls, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "no_tls", "good");
    desk_says(&f.desk, EX_PROTOCOL, "offers no TLS", "ls", "/", NULL);
    cr_expect_eq(faulty_count("USER "), 0);
    faulty_end(&f);
}

/* Local links that lead out of the target aren't followed. */
Test(liar, links_in_the_target, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "directory", "good");
    files_make_folder("in", 0755);
    files_make_folder("outside", 0755);
    files_write("outside/mine", "mine", 4, 0644);
    cr_assert_eq(symlink("../outside", "in/sub"), 0);
    desk_says(&f.desk, EX_CANTCREAT, "in/sub: is a link", "get", "-r", "/",
              "in", NULL);
    desk_says(&f.desk, EX_CANTCREAT, "in/sub: is a link", "sync", "--delete",
              "/", "in", NULL);
    cr_expect(files_exists("outside/mine"));
    cr_expect_not(files_exists("outside/file"));
    /* A name that comes from the server is below the target too. */
    desk_says(&f.desk, EX_CANTCREAT, NULL, "get", "-r", "/*", "in", NULL);
    desk_says_to(&f.desk, EX_CANTCREAT, NULL, "lcd in\nmget -r *\n", "/", NULL);
    cr_expect_not(files_exists("outside/file"));
    /* The target itself is the user's choice. */
    cr_assert_eq(symlink("outside", "chosen"), 0);
    desk_says(&f.desk, 0, NULL, "get", "-r", "/sub", "chosen", NULL);
    cr_expect(files_exists("outside/sub/file"));
    faulty_end(&f);
}

/* A byte now and then is no answer: each wait has an end. */
Test(liar, bytes_now_and_then, .timeout = 200)
{
    static const char *const faults[] = { "slow_handshake", "slow_list" };
    static struct faulty f;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, faults[i], "good");
        do_deed(&f, &(struct deed){ EX_UNAVAILABLE,
                                    { "doctor", "--timeout=2", "/" },
                                    NULL });
        faulty_end(&f);
    }
}

/* What is said at a login is no part of the answer to the command after it. */
Test(liar, a_banner, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "banner", "good");
    desk_says_to(&f.desk, 0, NULL, "cd sub\n", "/", NULL);
    faulty_end(&f);
}

/* A server's file may be called "-"; that isn't standard output. */
Test(liar, a_dash, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "dash", "good");
    desk_client(&f.desk, 0, &r, NULL, "get", "/*", NULL);
    cr_expect_null(strstr(r.text, "a text of forty"), "%s", r.text);
    run_release(&r);
    cr_expect(files_exists("-"));
    faulty_end(&f);
}

/* Another file of the same size: the bytes of the first one don't continue,
 * though LIST gives no exact time. */
Test(liar, a_file_that_has_changed, .timeout = 100)
{
    static const char *const faults[] = { "changed", "changed_untimed" };
    static struct faulty f;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, faults[i], "good");
        desk_says(&f.desk, EX_TEMPFAIL, NULL, "get", "--retries=0", "/file",
                  NULL);
        desk_says(&f.desk, 0, NULL, "get", "/file", NULL);
        desk_file("file", "A TEXT OF FORTY BYTES THAT IS ONE FILE.\n");
        faulty_end(&f);
    }
}

/* An upload that hasn't begun is like a new one, when it is tried again: the
 * name may be taken now, and nothing was read from standard input. */
Test(liar, an_upload_that_had_to_wait, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "busy_once", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, 0, NULL, "put", "--no-temporary", "file", "/new", NULL);
    cr_expect_eq(faulty_count("STOR new"), 2);
    cr_expect_eq(faulty_count("STOR new-new"), 1);
    faulty_end(&f);
    faulty_begin(&f, "busy_once", "good");
    desk_says_to(&f.desk, 0, NULL, "bytes", "put", "--no-temporary", "-",
                 "/other", NULL);
    cr_expect_eq(faulty_count("STOR other"), 2);
    faulty_end(&f);
}

/* The empty file that some servers make at the begin of an upload is not what
 * standard input or a file of /proc will give. */
Test(liar, an_upload_that_has_left_an_empty_file, .timeout = 100)
{
    static const char *const names[] = { "-", "/proc/self/comm" };
    static struct faulty f;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, "emptied", "good");
        cr_assert_eq(symlink(names[1], "comm"), 0);
        desk_says_to(&f.desk, 0, NULL, "sallyport\n", "put", "--no-temporary",
                     "--timeout=1", i == 0 ? "-" : "comm", "/new", NULL);
        cr_expect_eq(faulty_count("STOR new"), 2);
        cr_expect_eq(faulty_count("stored 10"), 1, "%s", names[i]);
        faulty_end(&f);
    }
}

/* Some servers confirm a file whose end is missing, so the length is asked for.
 */
Test(liar, an_upload_whose_length_nobody_says, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "silent_size", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, EX_TEMPFAIL,
              "confirmed it, but may have only a part of the file", "put",
              "--no-temporary", "--retries=0", "--timeout=1", "file", "/new",
              NULL);
    faulty_end(&f);
}

/* A server may make the old file empty before its 150, whatever becomes of the
 * attempts after that. */
Test(liar, an_upload_without_a_byte, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "lost_data", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, EX_TEMPFAIL, "may have only a part of the file", "put",
              "--no-temporary", "--retries=0", "file", "/new", NULL);
    faulty_end(&f);
}

/* Anybody on the way can end one direction of the data connection. The other
 * one then must not end like a whole upload. */
Test(liar, an_upload_with_a_stranger_on_the_way, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "half_end", "good");
    desk_noise("part", (size_t)200 * 1024);
    desk_says(&f.desk, EX_TEMPFAIL, "the transfer was cut", "put",
              "--retries=0", "--limit-rate=100k", "part", "/new", NULL);
    cr_expect_eq(faulty_count("ended by cut"), 1);
    cr_expect_eq(faulty_count("ended by close_notify"), 0);
    faulty_end(&f);
}

/* What has arrived isn't sent again if only the confirmation is lost. It gets
 * its time. */
Test(liar, a_confirmation_that_is_lost, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "lost_226", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, 0, "trying again in 1 s", "put", "--no-temporary",
              "file", "/new", NULL);
    cr_expect_eq(faulty_count("STOR "), 1);
    cr_expect_eq(faulty_count("MFMT "), 1);
    faulty_end(&f);
}

/* The certificate of --cert names its user: a server that isn't trusted yet
 * doesn't get it. */
Test(liar, a_certificate_for_trusted_servers, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "asks", "good");
    pki_issue(f.pki, &(struct pki_leaf){ .name = "user" });
    DESK_ALONE(0, NULL, NULL, "ls", "--trust-new", "--yes", "--cert=user.pem",
               "--key=user.key", "--password-file", f.desk.password,
               f.desk.url);
    cr_expect_eq(faulty_count("AUTH "), 2);
    cr_expect_eq(faulty_count("none"), 0, "the first handshake was finished");
    cr_expect_eq(faulty_count("shown"), 1);
    faulty_end(&f);
}

/* Nor does a server with another name, or with another key than the pin. */
Test(liar, a_certificate_for_the_named_server, .timeout = 100)
{
    static const char pin[] = "--pin=sha256//"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    static const struct {
        const char *certificate, *pin;
        int status;
        size_t shown;
    } rows[] = {
        { "good", NULL, 0, 1 },
        { "good", pin, EX_NOPERM, 0 },
        { "other", NULL, EX_NOPERM, 0 },
    };
    static struct faulty f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        faulty_begin(&f, "asks", rows[i].certificate);
        pki_issue(f.pki, &(struct pki_leaf){ .name = "user" });
        desk_says(&f.desk, rows[i].status, NULL, "ls", "--cert=user.pem",
                  "--key=user.key", "/", rows[i].pin, NULL);
        cr_expect_eq(faulty_count("shown"), rows[i].shown, "%zu", i);
        faulty_end(&f);
    }
}

/* A node that is upgraded greets so until its proxy has seen it. */
Test(liar, turned_away_for_a_moment, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "upgraded", "good");
    desk_says(&f.desk, EX_TEMPFAIL, "gone for a moment", "ls", "--retries=0",
              "/", NULL);
    desk_says(&f.desk, 0, "trying again in 1 s", "ls", "/", NULL);
    cr_expect_eq(faulty_count("PASS "), 1);
    faulty_end(&f);
}

/* After the loss of a connection, listings and new directories are tried again
 * like transfers. */
Test(liar, lost_connections, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "lost", "good");
    desk_says(&f.desk, 0, "trying again in 1 s", "ls", "/", NULL);
    desk_says(&f.desk, 0, "trying again in 1 s", "mkdir", "/sub", NULL);
    desk_says(&f.desk, EX_TEMPFAIL, NULL, "ls", "--retries=0", "/", NULL);
    faulty_end(&f);
}

/* An empty file is not what was sent. */
Test(liar, an_upload_that_arrives_empty, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "stored_empty", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, EX_DATAERR, "4 bytes were sent, and 0 arrived", "put",
              "--retries=0", "file", "/new", NULL);
    faulty_end(&f);
}

/* Without a size only close_notify shows that the bytes are all there. */
Test(liar, a_file_without_a_size, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "sizeless", "good");
    desk_says(&f.desk, 0, "that is one file.", "cat", "/file", NULL);
    faulty_end(&f);
    faulty_begin(&f, "sizeless_cut", "good");
    desk_says(&f.desk, EX_TEMPFAIL, "the file may be cut", "cat", "/file",
              NULL);
    faulty_end(&f);
    faulty_begin(&f, "sizeless_nothing", "good");
    desk_says(&f.desk, EX_TEMPFAIL, "the file may be cut", "cat", "--retries=0",
              "/file", NULL);
    desk_says(&f.desk, EX_TEMPFAIL, "the file may be cut", "get", "--retries=0",
              "/file", NULL);
    cr_expect_not(files_exists("file"));
    faulty_end(&f);
    faulty_begin(&f, "empty", "good");
    desk_says(&f.desk, 0, NULL, "cat", "--retries=0", "/file", NULL);
    faulty_end(&f);
}

Test(liar, sizes, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "size_too_small", "good");
    desk_says(&f.desk, EX_DATAERR, "more bytes come than the 3", "get", "/file",
              NULL);
    cr_expect_not(files_exists("file"));
    faulty_end(&f);
    faulty_begin(&f, "size_too_large", "good");
    desk_says(&f.desk, EX_TEMPFAIL, "40 bytes came where 4000", "get",
              "--retries", "0", "/file", NULL);
    cr_expect_not(files_exists("file"));
    faulty_end(&f);
}

/* MLSD and MLST need not give sizes; a link is left out with a note. */
Test(liar, no_sizes, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "no_sizes", "good");
    desk_says(&f.desk, 0, NULL, "get", "/file", NULL);
    desk_says(&f.desk, 0, "/link: not a regular file, left out", "get", "-r",
              "/", "in", NULL);
    desk_says(&f.desk, 0, NULL, "sync", "/", "other", NULL);
    desk_same("file", "in/file");
    desk_same("file", "other/file");
    faulty_end(&f);
}

/* This isn't a lie but another form: the listing of IIS, which has no MLSD. */
Test(liar, a_listing_of_dos, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "dos_list", "good");
    desk_says(&f.desk, 0, "  file\n", "ls", "/", NULL);
    desk_says(&f.desk, 0, NULL, "get", "-r", "/", "in", NULL);
    cr_expect(files_exists("in/file"));
    cr_expect_eq(faulty_count("LIST"), 2, "one for each directory");
    faulty_end(&f);
}

/* sync --delete of URL ends with STATUS, and what is here stays. */
static void expect_kept(struct faulty *f, int status, const char *url,
                        const char *why)
{
    files_make_folder("kept", 0755);
    files_write("kept/file", "mine", 4, 0644);
    files_write("kept/other", "mine", 4, 0644);
    desk_says(&f->desk, status, why, "sync", "--delete", url, "kept", NULL);
    cr_expect(files_exists("kept/file"));
    cr_expect(files_exists("kept/other"));
}

/* A listing that nobody here can read isn't an empty one. */
Test(liar, a_listing_in_an_unknown_form, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "odd_list", "good");
    expect_kept(&f, EX_PROTOCOL, "/", "nothing is removed");
    desk_says(&f.desk, EX_PROTOCOL, "can't be read", "get", "-r", "/", "in",
              NULL);
    faulty_end(&f);
}

/* Without close_notify anybody may have cut it. An empty reply to LIST may mean
 * that the server has another meaning of "-a". */
Test(liar, a_listing_that_may_be_cut, .timeout = 60)
{
    static const char *const faults[] = { "no_close_notify", "cut_list" };
    static struct faulty f;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, faults[i], "good");
        expect_kept(&f, EX_PROTOCOL, "/", "may be cut");
        desk_says(&f.desk, EX_PROTOCOL, "may be cut", "get", "-r", "/", "in",
                  NULL);
        faulty_end(&f);
    }
    faulty_begin(&f, "no_list", "good");
    expect_kept(&f, EX_PROTOCOL, "/", "its listing lacks it");
    desk_says(&f.desk, 0, "shows nothing", "get", "-r", "/", "in", NULL);
    faulty_end(&f);
}

/* LIST without -a, of a file, of a directory that may not be read, or of
 * another directory; MLSD of a directory that may not be entered. */
Test(liar, a_listing_of_something_else, .timeout = 100)
{
    static const struct {
        const char *fault, *url, *why;
        int status;
    } rows[] = {
        { "no_mlsd", "/file", "550", EX_NOINPUT },
        { "no_mlsd", "/locked", "its listing lacks it", EX_PROTOCOL },
        { "no_mlsd", "/shut", "550", EX_NOINPUT },
        { "hidden_list", "/", "its listing lacks it", EX_PROTOCOL },
        { "list_elsewhere", "/sub", "0 removed", 0 },
        { "none", "/shut", "550", EX_NOINPUT },
    };
    static struct faulty f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        faulty_begin(&f, rows[i].fault, "good");
        expect_kept(&f, rows[i].status, rows[i].url, rows[i].why);
        faulty_end(&f);
    }
}

/* Each command that can destroy something, against each poor or lying server:
 * only what was named goes, and nothing that exists is replaced. SURE: the
 * server's word counts that it lacks a name. */
Test(liar, nothing_else_is_lost, .timeout = 200)
{
    static const struct {
        const char *fault;
        bool sure;
    } rows[] = {
        { "none", true },           { "no_mlsd", true },
        { "dos_list", true },       { "odd_list", false },
        { "no_list", true },        { "refused_list", false },
        { "hidden_list", true },    { "list_elsewhere", true },
        { "cut_list", false },      { "no_close_notify", false },
        { "names_of_list", false }, { "names", false },
    };
    static const struct deed deeds_of_loss[] = {
        { -1, { "sync", "--delete", "/", "kept" }, NULL },
        { -1, { "sync", "--delete", "/file", "kept" }, NULL },
        { -1, { "rm", "-r", "/sub" }, NULL },
        { -1, { "rmdir", "/sub" }, NULL },
        { -1, { "mv", "/other", "/file" }, NULL },
        { -1, { "put", "--conflict=skip", "from/file", "/" }, NULL },
        { -1, { "put", "-r", "--conflict=skip", "from/.", "/" }, NULL },
    };
    static struct faulty f;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        faulty_begin(&f, rows[i].fault, "good");
        files_make_folder("from", 0755);
        files_make_folder("kept", 0755);
        files_write("from/file", "mine", 4, 0644);
        files_write("kept/file", "mine", 4, 0644);
        files_write("kept/surplus", "mine", 4, 0644);
        for (size_t k = 0; k < 7; k++)
            do_deed(&f, &deeds_of_loss[k]);
        cr_expect_eq(files_exists("kept/surplus"), !rows[i].sure, "%s",
                     rows[i].fault);
        cr_expect(files_exists("kept/file"), "%s", rows[i].fault);
        cr_expect_eq(faulty_count("DELE "), faulty_count("DELE sub"), "%s",
                     rows[i].fault);
        cr_expect_eq(faulty_count("RMD "), faulty_count("RMD sub"), "%s",
                     rows[i].fault);
        cr_expect_eq(faulty_count("RNFR "), 0, "%s", rows[i].fault);
        cr_expect_eq(faulty_count("STOR file"), 0, "%s", rows[i].fault);
        faulty_end(&f);
    }
}

/* A name that isn't in the listing may be taken: nothing on the server is
 * replaced. */
Test(liar, a_name_that_no_listing_shows, .timeout = 60)
{
    static const struct deed uploads[] = {
        { -1, { "put", "--conflict=skip", "from/file", "/" }, NULL },
        { -1, { "put", "-r", "--conflict=skip", "from/.", "/" }, NULL },
    };
    static const char *const faults[] = { "odd_list", "cut_list",
                                          "refused_list", "no_list" };
    static struct faulty f;

    for (size_t i = 0; i < 4; i++) {
        faulty_begin(&f, faults[i], "good");
        files_make_folder("from", 0755);
        files_write("from/file", "mine", 4, 0644);
        for (size_t k = 0; k < 2; k++)
            do_deed(&f, &uploads[k]);
        cr_expect_eq(faulty_count("STOR file"), 0, "%s", faults[i]);
        faulty_end(&f);
    }
}

/* The names of all files to transfer must fit into memory. With sanitizers two
 * million names take long. */
Test(liar, a_tree_that_is_too_large, .timeout = 120)
{
    static const char *const verbs[][2] = { { "get", "-r" }, { "sync", "-q" } };
    static struct faulty f;
    struct run_result r;

    if (server_is_sanitized() && !server_is_long())
        cr_skip_test("the release build is tested");
    faulty_begin(&f, "large_tree", "good");
    for (size_t i = 0; i < 2; i++) {
        desk_client(&f.desk, EX_DATAERR, &r, NULL, verbs[i][0], verbs[i][1],
                    "/", "in", NULL);
        const char *says = strstr(r.text, "too many files for one call");
        cr_assert_not_null(says, "%s", r.text);
        cr_expect_null(strstr(says + 1, "too many files"), "%s", r.text);
        run_release(&r);
    }
    cr_expect_eq(faulty_count("RETR "), 0);
    faulty_end(&f);
}

Test(liar, a_listing_without_an_end, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "endless_list", "good");
    desk_says(&f.desk, EX_PROTOCOL, "can't be used", "ls", "/", NULL);
    faulty_end(&f);
}

/* Exactly what the walk has counted is removed. */
Test(liar, a_limit_of_removals, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "grows", "good");
    files_make_folder("empty", 0755);
    desk_says(&f.desk, 0, "1 removed", "sync", "--delete", "--max-delete=1",
              "empty", "/", NULL);
    desk_says(&f.desk, EX_DATAERR, "3 files and directories would be removed",
              "sync", "--delete", "--max-delete=1", "empty", "/", NULL);
    cr_expect_eq(faulty_count("DELE "), 1);
    faulty_end(&f);
}

/* 450 to the question for a directory may mean that there is none. */
Test(liar, a_directory_that_is_absent_for_now, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "absent_450", "good");
    files_make_folder("empty", 0755);
    desk_says(&f.desk, 0, NULL, "put", "-rn", "--retries=3", "empty", "/",
              NULL);
    cr_expect_eq(faulty_count("MKD "), 0);
    desk_says(&f.desk, 0, NULL, "put", "-r", "--retries=3", "empty", "/", NULL);
    cr_expect_eq(faulty_count("MLST empty"), 2);
    cr_expect_eq(faulty_count("MKD empty"), 1);
    desk_says(&f.desk, 0, NULL, "put", "-r", "empty", "/new", NULL);
    desk_says(&f.desk, 0, NULL, "put", "-r", "empty", "/other/", NULL);
    cr_expect_eq(faulty_count("MKD "), 4);
    faulty_end(&f);
}

/* A file without a time may be one that somebody writes. */
Test(liar, a_file_without_a_time, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "no_mlsd", "good");
    desk_says(&f.desk, EX_UNAVAILABLE, "file: left out by --min-age", "get",
              "--min-age=1h", "/file", NULL);
    desk_says(&f.desk, EX_UNAVAILABLE, "file: left out by --min-age", "get",
              "-r", "--min-age=1h", "/", "in", NULL);
    desk_says(&f.desk, 0, NULL, "get", "-r", "--exclude=file", "--min-age=1h",
              "/", "in", NULL);
    cr_expect_eq(faulty_count("MDTM "), 2);
    cr_expect_not(files_exists("file"));
    cr_expect_not(files_exists("in/file"));
    faulty_end(&f);
}

/* The reply to SITE QUOTA may have no limit of files. */
Test(liar, a_quota_of_bytes_alone, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "quota", "good");
    desk_says_to(&f.desk, 0, "quota: 2.0 KiB, 1.0 KiB used\n", "status\n", "/",
                 NULL);
    desk_says_to(&f.desk, 0,
                 "\"quota\":{\"bytes\":2048,\"bytes_used\":1024,\"files\":0,"
                 "\"files_used\":0}",
                 "status\n", "--json", "/", NULL);
    faulty_end(&f);
}

/* A server without HASH may have older commands for checksums. */
Test(liar, other_checksums, .timeout = 60)
{
    static const struct {
        const char *fault, *sent;
        int status;
    } rows[] = { { "xcrc", "XCRC", 0 },
                 { "xmd5", "XMD5", 0 },
                 { "xsha256", "XSHA256", 0 },
                 { "xmd5_wrong", "XMD5", EX_DATAERR } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct faulty f;

        faulty_begin(&f, rows[i].fault, "good");
        desk_says(&f.desk, rows[i].status,
                  rows[i].status ? "the checksums differ" : ", checksum right",
                  "get", "/file", NULL);
        desk_says(&f.desk, rows[i].status,
                  rows[i].status ? "the checksums differ" : ", checksum right",
                  "put", "--conflict", "overwrite", "password", "/new", NULL);
        cr_expect_eq(faulty_count(rows[i].sent), 2, "%s", rows[i].fault);
        faulty_end(&f);
    }
}

/* Servers that show an upload while it grows get it under a temporary name. */
Test(liar, temporary_names, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "renames", "good");
    desk_noise("large", 2 * 1048576);
    desk_says(&f.desk, 0, "put large as new  2.0 MiB", "put", "large", "/new",
              NULL);
    cr_expect_eq(faulty_count("STOR .sallyport-"), 1);
    cr_expect_eq(faulty_count("STOR "), 1);
    cr_expect_eq(faulty_count("RNTO new"), 1);
    desk_says_to(&f.desk, 0, NULL, "bytes", "put", "-", "/stream", NULL);
    cr_expect_eq(faulty_count("RNTO stream"), 1);
    faulty_end(&f);
    /* No half of it stays after a refusal. */
    faulty_begin(&f, "full", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, EX_CANTCREAT, "552 full", "put", "file", "/new", NULL);
    cr_expect_eq(faulty_count("DELE .sallyport-"), 1);
    faulty_end(&f);
}

/* Where they are refused, the client warns once, and sends the files. */
Test(liar, temporary_names_refused, .timeout = 100)
{
    static const struct {
        const char *fault;
        size_t tried, removed;
    } rows[] = { { "no_rename", 1, 1 }, { "no_dots", 1, 0 } };
    static struct faulty f;
    struct run_result r;

    for (size_t i = 0; i < 2; i++) {
        faulty_begin(&f, rows[i].fault, "good");
        files_write("a", "mine", 4, 0644);
        files_write("b", "yours", 5, 0644);
        desk_client(&f.desk, 0, &r, NULL, "put", "--conflict=overwrite", "a",
                    "b", "/", NULL);
        const char *warned = strstr(r.text, "takes no temporary names");
        cr_expect(warned && !strstr(warned + 1, "takes no temporary"), "%s",
                  r.text);
        run_release(&r);
        cr_expect_eq(faulty_count("STOR .sallyport-"), rows[i].tried);
        cr_expect_eq(faulty_count("DELE .sallyport-"), rows[i].removed);
        cr_expect_eq(faulty_count("STOR a") + faulty_count("STOR b"), 2);
        faulty_end(&f);
    }
}

/* A file that has arrived needs only its name. */
Test(liar, temporary_names_and_lost_connections, .timeout = 100)
{
    static struct faulty f;

    faulty_begin(&f, "lost_rnfr", "good");
    desk_says_to(&f.desk, 0, "trying again", "bytes", "put", "-", "/stream",
                 NULL);
    cr_expect_eq(faulty_count("STOR "), 1);
    cr_expect_eq(faulty_count("DELE "), 0);
    cr_expect_eq(faulty_count("RNTO stream"), 1);
    faulty_end(&f);
    faulty_begin(&f, "lost_rnto", "good");
    desk_says_to(&f.desk, 0, "trying again", "bytes", "put", "-", "/stream",
                 NULL);
    cr_expect_eq(faulty_count("RNTO "), 1);
    faulty_end(&f);
    faulty_begin(&f, "no_dots_cut", "good");
    files_write("file", "mine", 4, 0644);
    desk_says(&f.desk, 0, "trying again", "put", "file", "/new", NULL);
    cr_expect_eq(faulty_count("STOR .sallyport-"), 1);
    cr_expect_eq(faulty_count("STOR new"), 1);
    faulty_end(&f);
}

static bool was_to_be_renamed(void *of)
{
    (void)of;
    return faulty_count("RNFR ") > 0;
}

/* Two calls that send the same file to the same name at once use two temporary
 * names. */
Test(liar, temporary_names_at_once, .timeout = 100)
{
    static struct faulty f;
    struct running running;
    struct run_result r;

    faulty_begin(&f, "lost_rnfr", "good");
    files_write("file", "mine", 4, 0644);
    desk_start(&f.desk, &running, was_to_be_renamed, NULL, "put", "file",
               "/new", NULL);
    desk_says(&f.desk, 0, NULL, "put", "file", "/new", NULL);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_eq(faulty_count("STOR .sallyport-"), 2, "%s", r.text);
    cr_expect_eq(faulty_count("RNTO new-new"), 1, "%s", r.text);
    run_release(&r);
    faulty_end(&f);
}

static bool was_renamed(void *of)
{
    (void)of;
    return faulty_count("RNTO ") > 0;
}

/* What has got its name was an older state of the file: the new one isn't
 * removed unsent. */
Test(liar, a_file_that_changes_while_it_gets_its_name, .timeout = 100)
{
    static struct faulty f;
    struct running running;
    struct run_result r;

    faulty_begin(&f, "lost_rnto", "good");
    files_write("file", "mine", 4, 0644);
    desk_start(&f.desk, &running, was_renamed, NULL, "put", "--remove-source",
               "file", "/new", NULL);
    files_write("file", "more", 4, 0644);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_eq(faulty_count("STOR "), 2, "%s", r.text);
    run_release(&r);
    faulty_end(&f);
}

/* All connections go through a proxy, which looks up the name. */
Test(liar, proxies, .timeout = 200)
{
    static const char *const schemes[] = { "socks5h", "http" };
    static struct faulty f;

    faulty_begin(&f, "renames", "other");
    faulty_rename_host(&f, "other.example");
    files_write("file", "a text of forty bytes that is one file.\n", 40, 0644);
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        pid_t pid = faulty_proxy("none", schemes[i], "", url);

        desk_says(&f.desk, 0, NULL, "put", "--proxy", url,
                  "--conflict=overwrite", "file", "/new", NULL);
        desk_says(&f.desk, 0, NULL, "get", "--proxy", url,
                  "--conflict=overwrite", "/new", "got", NULL);
        desk_same("file", "got");
        desk_says(&f.desk, 0, "connects through the proxy", "doctor", "--proxy",
                  url, "/", NULL);
        setenv("ALL_PROXY", url, 1);
        desk_says(&f.desk, 0, NULL, "ls", "/", NULL);
        desk_says(&f.desk, EX_NOHOST, "no such host", "ls", "--proxy", "none",
                  "/", NULL);
        setenv("NO_PROXY", "192.0.2.0/24, .EXAMPLE", 1);
        desk_says(&f.desk, EX_NOHOST, "no such host", "ls", "/", NULL);
        unsetenv("NO_PROXY");
        unsetenv("ALL_PROXY");
        faulty_proxy_end(pid);
    }
    faulty_end(&f);
}

/* What a proxy answers can't harm, and has a deadline. */
Test(liar, proxies_that_lie, .timeout = 200)
{
    static const struct {
        const char *fault, *scheme;
        int status;
        const char *text;
    } rows[] = {
        { "garbage", "socks5h", EX_UNAVAILABLE, "invalid version" },
        { "garbage", "http", EX_UNAVAILABLE, "the proxy didn't connect" },
        { "long", "http", EX_UNAVAILABLE, "too large" },
        { "slow", "http", EX_TEMPFAIL, "no answer in time" },
        { "silent", "socks5h", EX_TEMPFAIL, "no answer in time" },
        { "data_silent", "socks5h", EX_TEMPFAIL, "no answer in time" },
        { "data_silent", "http", EX_TEMPFAIL, "no answer in time" },
        { "refused", "socks5h", EX_UNAVAILABLE, "the proxy didn't connect" },
        { "refused", "http", EX_UNAVAILABLE, "403" },
        { "password", "socks5h", EX_NOPERM, "wants a user name" },
        { "password", "http", EX_NOPERM, "user name and password" },
    };
    static struct faulty f;

    faulty_begin(&f, "none", "good");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[64];
        pid_t pid = faulty_proxy(rows[i].fault, rows[i].scheme, "", url);

        desk_says(&f.desk, rows[i].status, rows[i].text, "ls", "--retries=0",
                  "--timeout=2", "--proxy", url, "/", NULL);
        desk_says(&f.desk, rows[i].status, url, "ls", "--retries=0",
                  "--timeout=2", "--proxy", url, "/", NULL);
        faulty_proxy_end(pid);
    }
    faulty_end(&f);
}

/* Its password comes from netrc, and --debug doesn't show it. */
Test(liar, proxies_with_a_password, .timeout = 100)
{
    static const char netrc[] = "machine 127.0.0.1 login anna password secret";
    static const char *const schemes[] = { "socks5h", "http" };
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "none", "good");
    files_write("netrc", netrc, strlen(netrc), 0600);
    for (size_t i = 0; i < 2; i++) {
        char url[64];
        pid_t pid = faulty_proxy("password", schemes[i], "anna@", url);

        desk_says(&f.desk, 0, "file", "ls", "--netrc", "netrc", "--proxy", url,
                  "/", NULL);
        desk_client(&f.desk, 0, &r, NULL, "ls", "--debug", "--netrc", "netrc",
                    "--proxy", url, "/", NULL);
        cr_expect_null(strstr(r.text, "YW5uYTpzZWNyZXQ"), "%s", r.text);
        run_release(&r);
        desk_says(&f.desk, EX_NOPERM, "use netrc", "ls", "--proxy", url, "/",
                  NULL);
        faulty_proxy_end(pid);
    }
    desk_says(&f.desk, EX_USAGE, "can be read by every user", "ls", "--proxy",
              "http://anna:secret@127.0.0.1:1", "/", NULL);
    faulty_end(&f);
}
