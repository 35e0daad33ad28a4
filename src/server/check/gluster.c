/* Which options of a GlusterFS volume, and of its mount, break a promise if
 * several servers use it. The mount shows its options in files below .meta:
 * here their text is read. It is that of the mount's beginning, or of the last
 * change that added or removed a layer. etc/cluster/volume sets the same
 * options, and a test compares the two. Runs in check. */
#include "check.h"

#include <string.h>

const struct gluster_rule gluster_rules[] = {
    { "client.strict-locks", "on", "protocol/client", "strict-locks",
      "a server that was cut off doesn't learn that it has lost its locks" },
    { "network.ping-timeout", "5", "protocol/client", "ping-timeout",
      "a machine that dies stalls the others for longer" },
    { "cluster.quorum-type", "auto", "cluster/replicate", "quorum-type",
      "a machine that is cut off from the majority writes on" },
    { "performance.stat-prefetch", "off", "performance/md-cache", NULL,
      GLUSTER_LATE },
    { "performance.quick-read", "off", "performance/quick-read", NULL,
      GLUSTER_LATE },
    { "performance.io-cache", "off", "performance/io-cache", NULL,
      GLUSTER_LATE },
    { "performance.read-ahead", "off", "performance/read-ahead", NULL,
      GLUSTER_LATE },
    { "performance.open-behind", "off", "performance/open-behind", NULL,
      "an open succeeds before the volume was asked" },
    { "performance.readdir-ahead", "off", "performance/readdir-ahead", NULL,
      GLUSTER_LATE },
    { "performance.nl-cache", "off", "performance/nl-cache", NULL,
      GLUSTER_LATE },
};
const size_t gluster_rule_count =
    sizeof(gluster_rules) / sizeof(gluster_rules[0]);

/* A number is the largest that is right; 0 means without end. */
static bool gluster_fits(const char *wanted, struct slice value)
{
    static const char *const on[] = { "on", "yes", "true", "enable", "1" };
    uint64_t most, number;

    if (slice_number(slice_from(wanted), UINT32_MAX, &most) == 0)
        return slice_number(value, most, &number) == 0 && number > 0;
    if (strcmp(wanted, "on") == 0)
        return slice_among(value, on, sizeof(on) / sizeof(on[0])) >= 0;
    return slice_equal(value, slice_from(wanted));
}

/* The text is a list of layers: "volume NAME", "type TYPE", any number of
 * "option KEY VALUE", "end-volume". A cache that is off has no layer. */
bool gluster_breaks(const struct gluster_rule *r, struct slice volfile)
{
    bool inside = false, fits = false;
    struct slice line, word, key;

    while (slice_cut(&volfile, '\n', &line)) {
        line = slice_trim(line);
        slice_cut(&line, ' ', &word);
        if (slice_equal(word, SLICE("type"))) {
            inside = slice_equal(slice_trim(line), slice_from(r->layer));
            fits = false;
            if (inside && !r->option)
                return true;
        } else if (inside && slice_equal(word, SLICE("option"))) {
            slice_cut(&line, ' ', &key);
            if (slice_equal(key, slice_from(r->option)))
                fits = gluster_fits(r->value, slice_trim(line));
        } else if (slice_equal(word, SLICE("end-volume"))) {
            if (inside && !fits)
                return true;
            inside = false;
        }
    }
    return false;
}

/* The text has the command, with blanks between its words. */
bool gluster_mount_has(struct slice cmdline, const char *word)
{
    struct slice one;

    while (slice_cut(&cmdline, ' ', &one))
        if (slice_equal(one, slice_from(word)))
            return true;
    return false;
}
