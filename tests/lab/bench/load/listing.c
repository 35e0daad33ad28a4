/* Lists a large directory, and counts its names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "wire.h"

#define PREFIX "file-"
#define SUFFIX ".dat"
#define LINE   1024u

struct names {
    unsigned count, seen;
    unsigned char *has; /* for each number: its name has come */
};

/* Takes the last word of a line of LIST or MLSD as a name. Ignores other lines,
 * such as "total" and the directory itself. */
static void take_line(struct names *n, const char *line)
{
    const char *name = strrchr(line, ' ');
    char *end;

    name = name ? name + 1 : line;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return;
    unsigned long number = strtoul(name + strlen(PREFIX), &end, 10);
    if (strcmp(end, SUFFIX) != 0 || number >= n->count || n->has[number])
        wire_fail("the listing has a wrong name: %.100s", name);
    n->has[number] = 1;
    n->seen++;
}

static void receive_names(SSL *data, struct names *n)
{
    char block[LOAD_BLOCK], line[LINE];
    size_t len = 0, got;

    while ((got = wire_receive(data, block, sizeof(block))) > 0) {
        for (size_t i = 0; i < got; i++) {
            if (block[i] == '\n') {
                line[len] = '\0';
                take_line(n, line);
                len = 0;
            } else if (block[i] != '\r' && len < sizeof(line) - 1) {
                line[len++] = block[i];
            }
        }
    }
}

void row_list(const struct plan *p)
{
    struct names n = { .count = p->count, .has = calloc(p->count, 1) };
    struct control c;
    char line[256];

    if (!n.has)
        wire_fail("no memory for %u names", p->count);
    ftp_login(&c, &p->account);
    ftp_prepare(&c);
    snprintf(line, sizeof(line), "CWD %s", p->remote);
    ftp_command(&c, '2', line);
    load_step("ready");
    double from = wire_now();
    SSL *data = ftp_data(&c, p->command);
    receive_names(data, &n);
    wire_close(data, false);
    ftp_expect(&c, '2', p->command);
    double seconds = wire_now() - from;
    load_step("done");
    if (n.seen != n.count)
        wire_fail("%s: %u of %u names came", p->command, n.seen, n.count);
    ftp_quit(&c);
    printf("{\"names\":%u,\"seconds\":%.6f}\n", n.seen, seconds);
    free(n.has);
}
