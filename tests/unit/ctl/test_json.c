/* Each command with --json prints JSON, which a terminal can't obey, and
 * nothing else on standard output. All texts are hostile. */
#include <jansson.h>

#include "ctl/ctl.h"
#include "played.h"
#include "world.h"

TestSuite(json, .init = world_make, .fini = scratch_remove, .timeout = 300);

/* A control sequence by U+009B, text from right to left, a letter, a byte that
 * isn't UTF-8 */
#define HOSTILE                                                                \
    "\xc2\x9b"                                                                 \
    "31m\xe2\x80\xaetxt.\xc3\xbc\xff"

/* Commands with words for a run. The code isn't 0 where the word is a lie. */
static const struct asked {
    const char *command, *words;
    int code;
} rows[] = {
    { "user add", "zoe --comment " HOSTILE " --print-password", 0 },
    { "user change", "anna --retain /" HOSTILE ":1h --comment " HOSTILE, 0 },
    { "user passwd", "anna --print-password", 0 },
    { "user rename", "anna eva", 0 },
    { "user del", "anna --yes --purge --waiting", 0 },
    { "user del", HOSTILE " --yes", EX_DATAERR },
    { "user list", "", 0 },
    { "user list", "--hashes", 0 },
    { "user show", "anna", 0 },
    { "user lock", "anna bert", 0 },
    { "user unlock", "bert", 0 },
    { "user totp", "anna", 0 },
    { "user totp", "anna --off", 0 },
    { "user can", "anna login", 0 },
    { "user can", "anna read /" HOSTILE, 0 },
    { "user can", "anna read /old/" HOSTILE, 0 },
    { "share add", "new anna:full --path SHARES/" HOSTILE, 0 },
    { "share change", "old --retain /" HOSTILE ":1h", 0 },
    { "share rename", "old new", 0 },
    { "share grant", "old bert:read", 0 },
    { "share revoke", "old anna", 0 },
    { "share list", "", 0 },
    { "share show", "old", 0 },
    { "share del", "old --yes --waiting", 0 },
    { "team add", "new bert", 0 },
    { "team join", "legal bert", 0 },
    { "team leave", "legal anna", 0 },
    { "team change", "legal --max-sessions 3", 0 },
    { "team rename", "legal law", 0 },
    { "team list", "", 0 },
    { "team show", "legal", 0 },
    { "team del", "legal --yes", 0 },
    { "partials list", "", 0 },
    { "inspect list", "--all", 0 },
    { "quota set", "anna 5M", EX_UNAVAILABLE },
    { "quota list", "", 0 },
    { "retention run", "", 0 },
    { "retention run", "--dry-run", 0 },
    { "status", "", 0 },
    { "who", "", 0 },
    { "kick", "anna", 0 },
    { "ban list", "", 0 },
    { "ban add", "192.0.2.1 --reason " HOSTILE, 0 },
    { "ban del", "192.0.2.1", 0 },
    { "check", "", 2 },
    { "log", "--file log", 0 },
    { "log", "--file log --follow", EX_USAGE },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

Test(json, each_command_is_here)
{
    for (size_t i = 0; i < ctl_command_count; i++) {
        char name[CTL_NAME];
        bool here = false;

        ctl_name_of(&ctl_commands[i], name);
        for (size_t n = 0; n < ROWS; n++)
            here |= strcmp(rows[n].command, name) == 0;
        cr_expect_eq(here, ctl_takes(&ctl_commands[i], OPTION_json), "%s",
                     name);
    }
}

static const char server_script[] =
    "ON who\n"
    "-> who_is serial=0xabc user=\"" HOSTILE "\" peer=192.0.2.1:4711 "
    "local=192.0.2.1:4711 since=1700000000 -> end\n"
    "ON show what=SHOW_DOING\n"
    "-> ROW +doing serial=0000000000000abc program=\"" HOSTILE
    "\" path=\"/" HOSTILE "\" -> end\n"
    "ON show what=SHOW_BANS\n"
    "-> ROW +bans network=192.0.2.1 reason=\"" HOSTILE "\" -> end\n"
    "ON show -> ROW all state=\"" HOSTILE "\" away=\"" HOSTILE "\" -> end\n"
    "ON -> control_done sessions=2\n";
#define PARTIAL "-> partial path=\"/" HOSTILE "\" name=\"" HOSTILE "\""
static const char files_script[] =
    "ON find remove=1\n" PARTIAL " state=PARTIAL_REMOVED -> partials_end\n"
    "ON find\n" PARTIAL " -> partials_end\n"
    "ON held_find order=HELD_READ -> partials_end\n"
    "ON held_find order=HELD_RELEASE -> partials_end\n"
    "ON held_find order=HELD_REJECT -> partials_end\n"
    "ON held_find -> held id=0123456789abcdef path=\"/" HOSTILE
    "\" uid=70000 -> partials_end\n";

/* Makes a world with hostile rows, directories and log. */
static void begin(void)
{
    char text[4096];

    world_people();
    snprintf(text, sizeof(text),
             "anna:" WORLD_HASH ":70000:70000:" HOSTILE
             ":%s/anna::rights=lrwi shares=old teams=legal retain=/" HOSTILE
             ":1h\n"
             "bert:!" WORLD_HASH ":70001:70001::%s/" HOSTILE "::\n"
             "@share:old:80000:%s/old:retain=/" HOSTILE ":1h\n"
             "@team:legal:shares=old:read\n",
             world.homes, world.homes, world.shares);
    file_write(world.users, text);
    file_write("log", "2026-11-17T08:12:45.120Z transfer user=anna verb=STOR "
                      "path=/" HOSTILE " result=226\n"
                      "{\"v\":1,\"time\":\"2026-11-19T00:00:00.000Z\","
                      "\"event\":\"transfer\",\"user\":\"\xe2\x80\xae\","
                      "\"path\":\"/\\u009b\\u202e\",\"result\":226}\n");
}

/* Is TEXT one JSON value, or, if EACH, a line for each? */
static bool is_json(const char *text, bool each)
{
    json_error_t error;
    json_t *one = json_loads(text, each ? JSON_DISABLE_EOF_CHECK : 0, &error);
    const bool valid = one != NULL;
    const char *rest = text + (valid && each ? error.position : 0);

    json_decref(one);
    return valid &&
           (!each || rest[strspn(rest, "\n")] == '\0' || is_json(rest, true));
}

/* "log" and the commands about several names print a line for each. */
static bool prints_lines(const char *command)
{
    return strcmp(command, "log") == 0 || strcmp(command, "user lock") == 0 ||
           strncmp(command, "share ", 6) == 0;
}

Test(json, nothing_but_ascii)
{
    played_files(files_script);
    for (size_t i = 0; i < ROWS; i++) {
        const char *at = strstr(rows[i].words, "SHARES");
        char words[1024];

        if (rows[i].code == EX_UNAVAILABLE && geteuid() != 0)
            continue; /* only root can set a quota */
        begin();
        played_server(server_script);
        snprintf(words, sizeof(words), "%s %.*s%s%s --json", rows[i].command,
                 (int)(at ? at - rows[i].words : 512), rows[i].words,
                 at ? world.shares : "", at ? at + strlen("SHARES") : "");
        const struct run *r = expect_run(rows[i].code, "", words);
        played_end();
        for (const char *p = r->out; *p; p++)
            cr_assert(*p == '\n' || (*p >= ' ' && *p < 0x7f),
                      "%s: 0x%02x in %s", words, (unsigned char)*p, r->out);
        cr_expect((rows[i].code > 2 && !r->out[0]) ||
                      is_json(r->out, prints_lines(rows[i].command)),
                  "%s: %s", words, r->out);
    }
    expect_err(0, "", "user add eva --print-password --json",
               "the password of eva: ");
}
