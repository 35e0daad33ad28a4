/* The options of a GlusterFS volume, from the text that a mount shows. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "support/server.h"

/* As GlusterFS 10.3 shows it, without layers and options that don't matter. */
#define CLIENT(n, locks, ping)                                                 \
    "volume drop-client-" n "\n"                                               \
    "    type protocol/client\n"                                               \
    "    option volfile-key drop\n"                                            \
    "    option ping-timeout " ping "\n" locks "    option send-gids true\n"   \
    "end-volume\n\n"
#define LOCKS "    option strict-locks on\n"
#define REPLICATE(quorum)                                                      \
    "volume drop-replicate-0\n"                                                \
    "    type cluster/replicate\n" quorum                                      \
    "    option use-anonymous-inode yes\n"                                     \
    "    subvolumes drop-client-0 drop-client-1\n"                             \
    "end-volume\n\n"
#define QUORUM "    option quorum-type auto\n"
#define CACHE(type)                                                            \
    "volume drop-cache\n    type performance/" type                            \
    "\n    subvolumes drop-replicate-0\nend-volume\n\n"
#define TOP                                                                    \
    "volume drop-write-behind\n    type performance/write-behind\n"            \
    "    subvolumes drop-replicate-0\nend-volume\n\n"                          \
    "volume drop\n    type debug/io-stats\n    option log-level INFO\n"        \
    "    subvolumes drop-write-behind\nend-volume\n\n"
#define GOOD_CLIENTS CLIENT("0", LOCKS, "5") CLIENT("1", LOCKS, "5")

/* The keys of all rules that TEXT breaks, with blanks between them. */
static const char *broken(const char *text)
{
    static char keys[512];

    keys[0] = '\0';
    for (size_t i = 0; i < gluster_rule_count; i++) {
        const size_t n = strlen(keys);

        if (gluster_breaks(&gluster_rules[i], slice_from(text)))
            snprintf(keys + n, sizeof(keys) - n, "%s%s", n > 0 ? " " : "",
                     gluster_rules[i].key);
    }
    return keys;
}

Test(gluster, volfile)
{
    static const struct {
        const char *text, *keys;
    } rows[] = {
        { GOOD_CLIENTS REPLICATE(QUORUM) TOP, "" },
        { GOOD_CLIENTS TOP, "" }, /* one brick has no replicas */
        { CLIENT("0", LOCKS, "1") REPLICATE(QUORUM) TOP, "" },
        { CLIENT("0", "    option strict-locks enable\n", "5") TOP, "" },
        { CLIENT("0", LOCKS, "5") CLIENT("1", "", "5") TOP,
          "client.strict-locks" },
        { CLIENT("0", "    option strict-locks off\n", "5") TOP,
          "client.strict-locks" },
        { CLIENT("0", LOCKS, "42") CLIENT("1", LOCKS, "5") TOP,
          "network.ping-timeout" },
        { CLIENT("0", LOCKS, "0") TOP, "network.ping-timeout" },
        { CLIENT("0", LOCKS, "soon") TOP, "network.ping-timeout" },
        { GOOD_CLIENTS REPLICATE("") TOP, "cluster.quorum-type" },
        { GOOD_CLIENTS REPLICATE("    option quorum-type fixed\n") TOP,
          "cluster.quorum-type" },
        { GOOD_CLIENTS CACHE("md-cache") TOP, "performance.stat-prefetch" },
        { GOOD_CLIENTS CACHE("quick-read") TOP, "performance.quick-read" },
        { GOOD_CLIENTS CACHE("io-cache") TOP, "performance.io-cache" },
        { GOOD_CLIENTS CACHE("read-ahead") TOP, "performance.read-ahead" },
        { GOOD_CLIENTS CACHE("open-behind") TOP, "performance.open-behind" },
        { GOOD_CLIENTS CACHE("readdir-ahead") TOP,
          "performance.readdir-ahead" },
        { GOOD_CLIENTS CACHE("nl-cache") TOP, "performance.nl-cache" },
        { CLIENT("0", "", "42") REPLICATE("") CACHE("md-cache") TOP,
          "client.strict-locks network.ping-timeout cluster.quorum-type "
          "performance.stat-prefetch" },
        { "", "" },
        { "type\noption\nend-volume\ntype protocol/client\noption strict-locks",
          "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(broken(rows[i].text), rows[i].keys, "row %zu: %s", i,
                         broken(rows[i].text));
}

/* etc/cluster/volume sets what is looked at here, to the same values. */
Test(gluster, rules_are_those_of_the_script)
{
    size_t seen = 0, caches = 0;
    char line[256];
    FILE *list;

    snprintf(line, sizeof(line), "%s --list",
             server_source("etc/cluster/volume"));
    list = popen(line, "r");

    cr_assert_not_null(list);
    while (fgets(line, sizeof(line), list)) {
        line[strcspn(line, "\t")] = '\0';
        caches += strncmp(line, "performance.", 12) == 0;
        for (size_t i = 0; i < gluster_rule_count; i++) {
            char set[128];

            snprintf(set, sizeof(set), "%s=%s", gluster_rules[i].key,
                     gluster_rules[i].value);
            if (strcmp(line, set) == 0) {
                seen++;
                caches -= strncmp(line, "performance.", 12) == 0;
            }
        }
    }
    cr_expect_eq(pclose(list), 0);
    cr_expect_eq(seen, gluster_rule_count, "the script sets all");
    cr_expect_eq(caches, 0, "all caches of the script are looked at");
}

Test(gluster, command_of_the_mount)
{
    const struct slice text =
        SLICE("{ \n  \"Cmdlinestr\": \"/usr/sbin/glusterfs --acl "
              "--attribute-timeout=0 --entry-timeout=0.5 --process-name fuse "
              "--volfile-server=localhost --volfile-id=/drop /srv\"\n}\n");

    cr_expect(gluster_mount_has(text, "--attribute-timeout=0"));
    cr_expect_not(gluster_mount_has(text, "--entry-timeout=0"));
}
