/* The client program of a transcript: its desk, its output, and the faulty
 * servers and proxies that are played for it. */
#include "support/fail.h"
#include "support/long.h"
#include "support/test.h"
#include "transcript_play.h"

/* Puts the directory of the client first into PATH. */
static void client_on_path(void)
{
    char path[8192];
    const char *program = server_program("sallyport");

    snprintf(path, sizeof(path), "%.*s:%s",
             (int)(strrchr(program, '/') - program), program, getenv("PATH"));
    setenv("PATH", path, 1);
}

static void begin_anywhere(struct play *p)
{
    p->has_desk = true;
    client_on_path();
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_DATA_HOME");
}

void play_desk_begin(struct play *p)
{
    struct desk *d = &p->faulty.desk;

    desk_begin_alone(d);
    snprintf(d->ca, sizeof(d->ca), "%s",
             server_path(p->server, "certificate.pem"));
    begin_anywhere(p);
}

static void end_proxy(struct play *p)
{
    if (p->proxy)
        faulty_proxy_end(p->proxy);
    p->proxy = 0;
}

void play_desk_end(struct play *p)
{
    if (!p->has_desk)
        return;
    end_proxy(p);
    terminal_close(&p->screen);
    if (p->running.pid) {
        kill(p->running.pid, SIGKILL);
        FAIL("WAIT is missing: the client may still run");
    }
    if (p->faulty.pid)
        faulty_end(&p->faulty);
    else
        desk_end(&p->faulty.desk);
    p->has_desk = false;
    p->faulty.pid = 0;
}

void play_faulty(struct play *p, const char *rest)
{
    char fault[TRANSCRIPT_NAME_MAX];
    const char *certificate = transcript_word(rest, fault, sizeof(fault));

    FAIL_IF(p->server->pid, "a real server runs");
    play_desk_end(p);
    faulty_begin(&p->faulty, fault, *certificate ? certificate : "good");
    snprintf(p->server->folder, sizeof(p->server->folder), "%s",
             p->faulty.desk.dir);
    setenv("PORT", strrchr(p->faulty.desk.url, ':') + 1, 1);
    setenv("SOURCE", in_source(""), 1);
    begin_anywhere(p);
}

void play_heard(struct play *p, const char *rest)
{
    char number[16], line[TRANSCRIPT_LINE_MAX], *next = line;
    const char *word;

    (void)p;
    snprintf(line, sizeof(line), "%s", rest);
    while ((word = strsep(&next, ",")) != NULL) {
        word = transcript_word(word + (*word == ' '), number, sizeof(number));
        const size_t heard = faulty_count(word);
        FAIL_IF(heard != transcript_size(number),
                "the server has heard \"%s\" %zu times", word, heard);
    }
}

void play_proxy(struct play *p, const char *rest)
{
    char fault[TRANSCRIPT_NAME_MAX], scheme[TRANSCRIPT_NAME_MAX], url[64];

    rest = transcript_word(rest, fault, sizeof(fault));
    rest = transcript_word(rest, scheme, sizeof(scheme));
    end_proxy(p);
    p->proxy = faulty_proxy(fault, scheme, rest, url);
    setenv("PROXY", url, 1);
}

void play_slow(struct play *p, const char *rest)
{
    (void)p;
    (void)rest;
    if (server_is_sanitized() && !is_long())
        cr_skip_test("the release build is tested");
}

static const char *url_of(const struct play *p)
{
    static char url[256];
    const struct client *c = p->c;
    const bool six = strchr(c->session.host, ':');

    if (p->faulty.pid)
        return p->faulty.desk.url;
    snprintf(url, sizeof(url), "%s://%s@%s%s%s:%u",
             c->implicit ? "ftps+implicit" : "ftps", c->user, six ? "[" : "",
             c->session.host, six ? "]" : "", play_port(p));
    return url;
}

void play_desk_name(struct play *p)
{
    const struct desk *d = &p->faulty.desk;
    char options[2048];

    if (!p->has_desk)
        return;
    snprintf(options, sizeof(options), "--cacert %s --password-file %s", d->ca,
             d->password);
    setenv("OPTIONS", options, 1);
    setenv("CA", d->ca, 1);
    setenv("URL", url_of(p), 1);
    if (!p->faulty.pid)
        setenv("THERE", server_home(p->server, p->c->user), 1);
}

const char *play_desk_folder(const struct play *p)
{
    return p->has_desk ? p->faulty.desk.dir : p->server->folder;
}

/* Makes the shell's line that runs the client. Puts the server's URL before
 * each word that begins with a slash. */
static void client_line(struct play *p, const char *words,
                        char line[TRANSCRIPT_LINE_MAX])
{
    size_t n = (size_t)sprintf(line, "exec sallyport $OPTIONS ");
    const char *url = url_of(p);
    char before = ' ', last = ' ';

    for (; *words; words++) {
        const bool quoted = (last == '\'' || last == '"') && before == ' ';

        FAIL_IF(n + 256 > TRANSCRIPT_LINE_MAX, "the line is too long");
        if (*words == '/' && (last == ' ' || quoted))
            n += (size_t)sprintf(line + n, "%s", url);
        line[n++] = *words;
        before = last;
        last = *words;
    }
    line[n] = '\0';
}

/* Expects no control character but the ends of lines. C1 characters, and
 * characters that reverse text, count as control characters, too. */
static void expect_harmless(const struct run_result *r)
{
    static const char *const unwanted[] = { "\302\233", "\342\200\256" };

    for (size_t i = 0; i < r->len; i++) {
        const unsigned char c = (unsigned char)r->text[i];

        FAIL_IF((c < 0x20 && c != '\n') || c == 0x7f, "byte %02x in %s", c,
                r->text);
    }
    for (size_t i = 0; i < 2; i++)
        FAIL_IF(strstr(r->text, unwanted[i]), "reversed text: %s", r->text);
}

static void use_output(struct play *p, const char *words, int status)
{
    p->output_at = p->output.text;
    p->whole = true;
    expect_harmless(&p->output);
    FAIL_IF(status >= 0 && p->output.status != status,
            "%s: exit status %d:\n%s", words, p->output.status, p->output.text);
}

/* Runs the client. Expects the exit status STATUS (below 0: any). */
static void run_client(struct play *p, const char *words, int status)
{
    char line[TRANSCRIPT_LINE_MAX];

    client_line(p, words, line);
    play_run_line(p, line);
    use_output(p, words, status);
}

void play_sallyport(struct play *p, const char *rest)
{
    run_client(p, rest, 0);
}

void play_sallyport_fails(struct play *p, const char *rest)
{
    char status[8];

    rest = transcript_word(rest, status, sizeof(status));
    run_client(p, rest, atoi(status));
}

void play_sallyport_any(struct play *p, const char *rest)
{
    run_client(p, rest, -1);
    p->skips = true;
}

void play_sallyport_starts(struct play *p, const char *rest)
{
    char line[TRANSCRIPT_LINE_MAX];

    FAIL_IF(p->running.pid, "the client runs already");
    client_line(p, rest, line);
    play_desk_name(p);
    run_start(&p->running, *p->input ? p->input : NULL,
              (char *const[]){ "/bin/sh", "-c", line, NULL });
    *p->input = '\0';
}

void play_signal(struct play *p, const char *rest)
{
    FAIL_IF(!p->running.pid, "no client runs");
    kill(p->running.pid, transcript_signal(rest));
}

void play_wait(struct play *p, const char *rest)
{
    FAIL_IF(!p->running.pid, "no client runs");
    run_release(&p->output);
    run_finish(&p->running, &p->output);
    p->running.pid = 0;
    use_output(p, "the client", strcmp(rest, "*") == 0 ? -1 : atoi(rest));
}

/* Takes the next line of the output. Returns false if there is none. */
static bool take_line(struct play *p, struct slice *line)
{
    const size_t len = strcspn(p->output_at, "\n");

    if (!*p->output_at)
        return false;
    *line = (struct slice){ p->output_at, len };
    p->output_at += len + (p->output_at[len] != '\0');
    return true;
}

void play_line_is(struct play *p, const char *rest)
{
    struct pattern_match m = { 0 };
    struct slice line;

    p->whole = true;
    while (take_line(p, &line)) {
        if (pattern_matches(slice_from(rest), line, &m)) {
            transcript_keep(p, &m);
            p->skips = false;
            return;
        }
        FAIL_IF(!p->skips, "expected: %s\n     got: %.*s\n      in:\n%s", rest,
                (int)line.len, line.ptr, p->output.text);
    }
    FAIL("expected: %s\nin:\n%s", rest, p->output.text);
}

void play_lines_are(struct play *p, const char *rest)
{
    char number[16];

    rest = transcript_word(rest, number, sizeof(number));
    for (size_t n = transcript_size(number); n > 0; n--)
        play_line_is(p, rest);
}

void play_lines_skip(struct play *p, const char *rest)
{
    (void)rest;
    p->whole = p->skips = true;
}

void play_output_end(struct play *p)
{
    const bool rest = p->whole && !p->skips && *p->output_at;

    p->whole = p->skips = false;
    FAIL_IF(rest, "not expected: %sin:\n%s", p->output_at, p->output.text);
}

void play_screen(struct play *p, const char *rest)
{
    play_desk_name(p);
    terminal_open(&p->screen, p->faulty.desk.dir, *rest ? rest : "/bin/sh");
}

void play_type(struct play *p, const char *rest)
{
    terminal_type(&p->screen, rest);
}

void play_keys(struct play *p, const char *rest)
{
    char line[TRANSCRIPT_LINE_MAX];

    snprintf(line, sizeof(line), "tmux -S $SCREEN send-keys %.7000s", rest);
    FAIL_IF(play_run_line(p, line) != 0, "%s: %s", rest, p->output.text);
}

void play_width(struct play *p, const char *rest)
{
    TMUX(&p->screen, "resize-window", "-x", (char *)rest, "-y", "24");
}

void play_see(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX], unwanted[TRANSCRIPT_LINE_MAX], *without;

    text[transcript_unescape(rest, text)] = '\0';
    without = strstr(text, " WITHOUT ");
    if (without) {
        *without = '\0';
        snprintf(unwanted, sizeof(unwanted), "%s", without + 9);
    }
    terminal_see(&p->screen,
                 (struct terminal_sight){
                     .wanted = text, .unwanted = without ? unwanted : NULL });
}

void play_see_times(struct play *p, const char *rest)
{
    char number[16];
    size_t times;

    rest = transcript_word(rest, number, sizeof(number));
    times = transcript_size(number);
    terminal_see(&p->screen, (struct terminal_sight){ .wanted = rest,
                                                      .times = times,
                                                      .none = times == 0 });
}

void play_prompt(struct play *p, const char *rest)
{
    char text[TRANSCRIPT_LINE_MAX];

    text[transcript_unescape(rest, text)] = '\0';
    terminal_see(&p->screen,
                 (struct terminal_sight){ .wanted = *text ? text : NULL,
                                          .prompt = true });
}
