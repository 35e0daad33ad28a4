#include "played.h"

#include <inttypes.h>
#include <sys/un.h>

#include "ctl/ctl.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/files/files.h"
#include "sallyport/ipc/generation.h"
#include "sallyport/ipc/shown.h"
#include "support/cast.h"
#include "support/lie.h"
#include "support/scratch.h"
#include "support/test.h"

#define DAY 86400

bool (*played_enter)(const struct files_start *start);
static pid_t server_pid;
static int listener;

/* One end of a connection. */
struct player {
    char *script;
    struct channel *c;
    char of[64]; /* " of=NAME:UID:GID", or "" */
};

static const struct {
    enum message_kind asked; /* the request that has it, or MSG_NONE */
    const char *name;
    uint64_t value;
} constants[] = {
#define IN(kind, name) { MSG_##kind, #name, name }
    IN(show, SHOW_BANS),
    IN(show, SHOW_DOING),
    IN(show, SHOW_METRICS),
    IN(drain, DRAIN_ON),
    IN(drain, DRAIN_OFF),
    IN(held_find, HELD_READ),
    IN(held_find, HELD_RELEASE),
    IN(held_find, HELD_REJECT),
    IN(held_find, HELD_REPLACE),
    IN(find, FIND_EXPIRED),
    IN(find, FIND_ABANDONED),
    IN(NONE, REFUSAL_BUSY),
    IN(NONE, REFUSAL_DENIED),
    IN(NONE, REFUSAL_NO_USER),
    IN(NONE, REFUSAL_HOME),
    IN(NONE, REFUSAL_BAD_FILE),
    IN(NONE, PARTIAL_IN_USE),
    IN(NONE, PARTIAL_REMOVED),
    IN(NONE, PARTIAL_STAYS),
    IN(NONE, PARTIAL_STATE_COUNT),
    IN(NONE, OUTCOME_NAME_TAKEN),
    IN(NONE, OUTCOME_IS_DIRECTORY),
    IN(NONE, OUTCOME_BUSY),
    IN(NONE, OUTCOME_STORED_UNSAFE),
    IN(NONE, OUTCOME_EXISTS),
    IN(NONE, OUTCOME_DENIED),
    IN(NONE, OUTCOME_READ_ONLY),
    IN(NONE, OUTCOME_IO),
    IN(NONE, EACCES),
    IN(NONE, ENOENT),
    IN(NONE, EIO),
    IN(NONE, EPERM),
};
#define CONSTANTS (sizeof(constants) / sizeof(*constants))

/* Ends the played process, since its script has a wrong name. */
static _Noreturn void unknown(const char *what, const char *name)
{
    dprintf(STDERR_FILENO, "a played server's script: no %s %s\n", what, name);
    abort();
}

static uint64_t constant_of(const char *text)
{
    char *end;
    const uint64_t number = strtoull(text, &end, 0);

    for (size_t i = 0; i < CONSTANTS; i++)
        if (strcmp(text, constants[i].name) == 0)
            return constants[i].value;
    if (end == text || *end)
        unknown("constant", text);
    return number;
}

/* Cuts the next word of a line. A value in quotes can have blanks. */
static bool next_word(struct slice *line, struct slice *word)
{
    bool quoted = false;
    size_t n = 0;

    *line = slice_trim(*line);
    for (; n < line->len && (quoted || line->ptr[n] != ' '); n++)
        if (line->ptr[n] == '"' && (quoted || (n && line->ptr[n - 1] == '=')))
            quoted = !quoted;
    *word = (struct slice){ line->ptr, n };
    *line = (struct slice){ line->ptr + n, line->len - n };
    return n > 0;
}

/* Returns the bytes that TEXT stands for, and a NUL, in memory that the end of
 * the process frees. */
static struct slice bytes_of(struct slice text)
{
    char *out = malloc(text.len + 24);
    size_t len = 0;

    if (out && slice_starts(text, SLICE("now"))) {
        len = (size_t)sprintf(
            out, "%" PRIu64,
            (uint64_t)time(NULL) +
                (uint64_t)(int64_t)(strtod(text.ptr + 3, NULL) * DAY));
        text.len = 0;
    }
    if (text.len > 1 && text.ptr[0] == '"')
        text = (struct slice){ text.ptr + 1, text.len - 2 };
    for (size_t i = 0; out && i < text.len; i++) {
        const bool hex = text.len - i >= 6 && !strncmp(text.ptr + i, "<0x", 3);

        out[len++] =
            hex ? (char)strtoul(text.ptr + i + 3, NULL, 16) : text.ptr[i];
        i += hex ? 5 : 0;
    }
    if (!out)
        abort();
    out[len] = '\0';
    return (struct slice){ out, len };
}

static void set_field(struct message *m, const struct message_field *f,
                      struct slice value)
{
    void *at = (char *)&m->request + f->offset;
    uint64_t wide;
    unsigned word;

    if (f->type == TYPE_FD) {
        *(int *)at = open(value.ptr, O_RDONLY | O_CLOEXEC);
    } else if (f->type == TYPE_ADDRESS) {
        if (address_parse_port(value, at))
            address_parse(value, at);
    } else if (f->type >= TYPE_WORD && f->type <= TYPE_BYTES) {
        memcpy(at, &value, sizeof(value));
    } else {
        wide = constant_of(value.ptr);
        word = (unsigned)wide;
        if (f->type == TYPE_FLAG)
            *(bool *)at = wide;
        else if (f->type == TYPE_ENUM || f->type == TYPE_ERRNO)
            memcpy(at, &word, sizeof(word));
        else
            memcpy(at, &wide, sizeof(wide));
    }
}

static void say(struct channel *c, struct slice line)
{
    struct message m = { .request = heard.request };
    struct slice rest = line, word, name;

    next_word(&rest, &word);
    while (m.kind < MSG_COUNT &&
           !slice_equal(word, slice_from(message_name(m.kind))))
        m.kind++;
    if (m.kind == MSG_COUNT) {
        send(c->fd, line.ptr, line.len, 0);
        return;
    }
    while (next_word(&rest, &word)) {
        const struct message_field *f = message_row(m.kind)->fields();

        slice_cut(&word, '=', &name);
        if (slice_equal(name, SLICE("request")))
            m.request += (uint32_t)constant_of(bytes_of(word).ptr);
        while (f->type != TYPE_END && !slice_equal(name, slice_from(f->name)))
            f++;
        if (f->type != TYPE_END)
            set_field(&m, f, bytes_of(word));
        else if (!slice_equal(name, SLICE("request")))
            unknown("field", bytes_of(name).ptr);
    }
    lie_send(c, m.kind, &m.request);
    message_close(&m);
}

static void say_row(struct channel *c, struct slice line)
{
    static struct shown_row r;
    struct slice table, word, name;

    r.len = 0;
    next_word(&line, &table);
    while (next_word(&line, &word)) {
        slice_cut(&word, '=', &name);
        name = bytes_of(name);
        r.len +=
            (size_t)snprintf(r.bytes + r.len, sizeof(r.bytes) - r.len,
                             "%s%s%c%s", strchr("+#?@~*", *name.ptr) ? "" : "=",
                             name.ptr, '\0', bytes_of(word).ptr) +
            1;
    }
    shown_send(c, heard.request, bytes_of(table).ptr, &r);
}

static void write_number(struct buf *b, const struct message *m,
                         const struct message_field *f)
{
    const void *at = (const char *)&m->request + f->offset;
    uint64_t wide = 0;

    memcpy(&wide, at,
           f->type == TYPE_FLAG                            ? sizeof(bool)
           : f->type == TYPE_ENUM || f->type == TYPE_ERRNO ? sizeof(unsigned)
                                                           : sizeof(wide));
    for (size_t i = 0; i < CONSTANTS; i++)
        if (constants[i].asked == m->kind && constants[i].value == wide &&
            (!strcmp(f->name, "what") || !strcmp(f->name, "order"))) {
            buf_add_format(b, " %s=%s", f->name, constants[i].name);
            return;
        }
    if (wide)
        buf_add_format(b, " %s=%" PRIu64, f->name, wide);
}

/* Writes the request as a line of a script would have it. */
static void write_asked(struct buf *b, const struct message *m)
{
    const struct message_field *f = message_row(m->kind)->fields();
    char text[ADDRESS_TEXT_MAX];

    buf_add_text(b, message_name(m->kind));
    for (; f->type != TYPE_END; f++) {
        const void *at = (const char *)&m->request + f->offset;
        const struct address *a = at;
        const struct slice *s = at;

        if (f->type == TYPE_ADDRESS && a->family)
            buf_add_format(b, " %s=%s", f->name, address_text(a, text));
        else if (f->type < TYPE_WORD)
            f->type == TYPE_ADDRESS ? (void)0 : write_number(b, m, f);
        else if (s->len && !slice_equal(*s, slice_from(build_name())))
            buf_add_format(b, slice_has(*s, ' ') ? " %s=\"%.*s\"" : " %s=%.*s",
                           f->name, (int)s->len, s->ptr);
    }
}

static void keep_asked(const char *line)
{
    const char *path = getenv("ASKED");
    FILE *f = path ? fopen(path, "ae") : NULL;

    if (f) {
        fprintf(f, "%s\n", line);
        fclose(f);
    }
}

/* Does the request have all words of LINE? */
static bool fits(struct slice line, const char *asked)
{
    struct slice word, rest, one;
    bool has = line.len > 0 ||
               (strncmp(asked, "begin", 5) != 0 && strcmp(asked, "end") != 0);

    while (has && next_word(&line, &word)) {
        rest = slice_from(asked);
        has = false;
        while (!has && next_word(&rest, &one))
            has = slice_equal(word, one);
    }
    return has;
}

/* If LINE begins with WORD, cuts WORD from it. */
static bool begins(struct slice *line, const char *word)
{
    struct slice rest = *line, first;

    if (!next_word(&rest, &first) || !slice_equal(first, slice_from(word)))
        return false;
    *line = slice_trim(rest);
    return true;
}

enum played { UNKNOWN, CLOSES, SAYS };

/* Cuts what is before the next "->". */
static struct slice cut_part(struct slice *line)
{
    struct slice part = { line->ptr, 0 }, word;

    while (next_word(line, &word) && !slice_equal(word, SLICE("->")))
        part.len = (size_t)(word.ptr + word.len - part.ptr);
    return part;
}

static void act(struct channel *c, struct slice line)
{
    if (begins(&line, "STOP")) {
        close(listener); /* first: whoever sees the end finds no server */
        _exit(0);
    }
    if (begins(&line, "WAIT"))
        poll(NULL, 0, line.len ? atoi(line.ptr) : -1);
    else if (begins(&line, "ROW"))
        say_row(c, line);
    else
        say(c, line);
}

/* Answers what was ASKED by the first lines of the script that fit. */
static enum played answer(struct player *p, const char *asked)
{
    struct slice rest = slice_from(p->script), line, part;
    enum played found = UNKNOWN;

    while (slice_cut(&rest, '\n', &line)) {
        char *const begin = p->script + (line.ptr - p->script);
        const bool once = begins(&line, "ONCE");

        part = cut_part(&line);
        if (once || begins(&part, "ON")) {
            if (found != UNKNOWN)
                return found;
            found = fits(part, asked) ? CLOSES : UNKNOWN;
            if (found && once)
                memcpy(begin, "ON #", 4); /* no request has this word */
        }
        while (found != UNKNOWN && line.len > 0) {
            found = SAYS;
            act(p->c, cut_part(&line));
        }
    }
    return found;
}

/* A process files ends after its answer. */
static void play(struct player *p)
{
    struct buf asked;

    for (enum played r = SAYS; r == SAYS && cast_hear(p->c);
         r = *p->of ? CLOSES : r) {
        buf_init(&asked, 16384);
        write_asked(&asked, &heard);
        buf_add_text(&asked, p->of);
        buf_add(&asked, "", 1);
        keep_asked(asked.data);
        r = answer(p, asked.data);
        buf_release(&asked);
    }
}

static void play_connection(struct player *p)
{
    enum played r = answer(p, "begin");

    if (r == UNKNOWN)
        SEND(p->c, welcome, 0, .version = SLICE(SALLYPORT_VERSION),
             .pid = 4711);
    if (r != CLOSES)
        play(p);
    if (answer(p, "end") != UNKNOWN)
        keep_asked("end");
}

/* Serves until the test ends, even if the test ends before the signal is
 * requested. */
static _Noreturn void serve(const char *script, pid_t test)
{
    struct channel c;
    struct player p = { strdup(script), &c, "" };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != test)
        _exit(0);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            _exit(1);
        channel_init(&c, fd, PROCESS_MASTER, PROCESS_CTL, PHASE_IDLE);
        message_close(&heard);
        heard.request = 0;
        play_connection(&p);
        channel_close(&c);
    }
}

void played_server(const char *script)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    played_end();
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", in_scratch("control"));
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(listener, 8), 0);
    const pid_t test = getpid();
    server_pid = fork();
    cr_assert_geq(server_pid, 0);
    if (server_pid == 0)
        serve(script, test);
    close(listener);
}

void played_end(void)
{
    if (server_pid == 0)
        return;
    kill(server_pid, SIGKILL);
    waitpid(server_pid, NULL, 0);
    unlink(in_scratch("control"));
    server_pid = 0;
}

static const char *files_script;

static void play_files(const struct files_start *start)
{
    struct channel master, asks;
    struct player p = { strdup(files_script), &master, "" };
    char begin[sizeof(p.of) + 8];

    channel_init(&master, start->master, PROCESS_FILES, PROCESS_MASTER,
                 PHASE_START);
    channel_init(&asks, start->session, PROCESS_FILES, PROCESS_CTL, PHASE_IDLE);
    snprintf(p.of, sizeof(p.of), " of=%s:%u:%u", start->name,
             (unsigned)start->uid, (unsigned)start->gid);
    snprintf(begin, sizeof(begin), "begin%s", p.of);
    if (played_enter && !played_enter(start))
        _exit(0);
    enum played r = answer(&p, begin);
    if (r == UNKNOWN)
        SEND(&master, ready, 0);
    p.c = &asks;
    if (r == UNKNOWN)
        play(&p);
    _exit(0);
}

void played_files(const char *script)
{
    files_script = script;
    partials_files = script ? play_files : files_main;
}
