/* Runs the checks and prints the report: a table on a terminal, or JSON. Makes
 * the connections of the checks. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "doctor.h"
#include "sallyport/base/slice.h"

/* Connections. */

static int doctor_on_progress(void *of, curl_off_t total_down, curl_off_t down,
                              curl_off_t total_up, curl_off_t up)
{
    (void)of;
    (void)total_down;
    (void)down;
    (void)total_up;
    (void)up;
    return link_interrupted != 0;
}

/* With the scheme of HTTP libcurl connects, and sends nothing but what a proxy
 * needs. */
static CURLcode doctor_connect(const struct doctor *d, CURL *curl, int family,
                               char error[CURL_ERROR_SIZE])
{
    static const long resolve[] = { [0] = CURL_IPRESOLVE_WHATEVER,
                                    [4] = CURL_IPRESOLVE_V4,
                                    [6] = CURL_IPRESOLVE_V6 };
    char url[URL_PLACE_MAX + 16], place[URL_PLACE_MAX];
    CURLcode r = proxy_set(&d->site.proxy, curl);

    snprintf(url, sizeof(url), "http://%s/", url_place(&d->site.url, place));
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION,
                             doctor_on_progress);
    if (r != CURLE_OK)
        return r;
    curl_easy_setopt(curl, CURLOPT_IPRESOLVE, resolve[family]);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)d->options->timeout);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return curl_easy_perform(curl);
}

int doctor_reach(const struct doctor *d, int family, char ip[ADDRESS_TEXT_MAX],
                 struct failure *why)
{
    char error[CURL_ERROR_SIZE] = "";
    const char *host = d->site.url.host, *peer = NULL;
    struct address literal = { .family = 0 };

    if (address_parse(slice_from(host), &literal) == 0 && family != 0 &&
        literal.family != family)
        return fail(why, EX_NOHOST, "%s has no IPv%d address", host, family);
    CURL *curl = curl_easy_init();
    CURLcode r =
        curl ? doctor_connect(d, curl, family, error) : CURLE_OUT_OF_MEMORY;
    if (r == CURLE_OK)
        r = curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &peer);
    snprintf(ip, ADDRESS_TEXT_MAX, "%s", peer ? peer : "");
    curl_easy_cleanup(curl);
    if (family != 0 && r == CURLE_COULDNT_RESOLVE_HOST)
        return fail(why, EX_NOHOST, "%s has no IPv%d address", host, family);
    if (r == CURLE_OK)
        return 0;
    fail_curl(why, (int)r, 0, NULL, error);
    return proxy_blame(&d->site.proxy, why);
}

int doctor_hear(const struct doctor *d, unsigned number,
                char text[LINK_REPLY_MAX], struct failure *why)
{
    struct link l;
    int code = 0;

    text[0] = '\0';
    if (link_open(&l, &d->site, why) == 0) {
        link_begin(&l, "", NULL);
        LINK_SET(&l, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);
        LINK_SET(&l, CURLOPT_USERNAME, "anonymous");
        LINK_SET(&l, CURLOPT_PASSWORD, "");
        LINK_SET(&l, CURLOPT_NOBODY, 1L);
        l.replies = number;
        link_run(&l, why);
        code = l.replies == 0 ? l.reply : 0;
        memcpy(text, l.text, LINK_REPLY_MAX);
    }
    link_close(&l);
    return code;
}

int doctor_login(const struct doctor *d, struct link *l, struct failure *why)
{
    int r = link_open(l, &d->site, why);

    l->steady = true;
    return r == 0 ? link_command(l, why, "NOOP") : -1;
}

bool doctor_has_feature(const struct doctor *d, const char *word)
{
    struct slice rest = slice_from(d->features), line, name;

    while (slice_cut(&rest, '\n', &line)) {
        if (line.len == 0 || line.ptr[0] != ' ')
            continue;
        line = slice_trim(line);
        slice_cut(&line, ' ', &name);
        if (slice_equal_nocase(name, slice_from(word)))
            return true;
    }
    return false;
}

/* The report. */

static const char *const words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

/* The check under way: the lines of doctor_find() belong to it. */
static const char *doctor_running = "";

void doctor_find(struct doctor *d, enum trial_result what, const char *advice,
                 const char *format, ...)
{
    char text[2 * FAILURE_TEXT], safe[2 * FAILURE_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    show_text(text, safe, sizeof(safe));
    d->found[what]++;
    if (d->options->json) {
        event_print(json_pack("{s:s, s:s, s:s, s:s*}", "check", doctor_running,
                              "finding", words[what], "text", safe, "advice",
                              advice));
        return;
    }
    printf("%-16s %-8s %s\n", doctor_running, words[what], safe);
    if (advice)
        printf("%-16s %-8s   %s\n", "", "", advice);
    doctor_running = "";
}

static int doctor_begin(struct doctor *d, const struct options *o,
                        const struct url *url, struct failure *why)
{
    *d = (struct doctor){ .options = o, .site = { .url = *url, .options = o } };
    if (proxy_find(o, url->host, &d->site.proxy, why) < 0)
        return -1;
    if (!url->user[0] && !o->user)
        return 0;
    int r =
        password_find(o, &d->site.url, &d->site.password, &d->site.place, why);
    d->unasked = r == 1;
    return r < 0 ? -1 : 0;
}

/* Returns the exit code. */
static int doctor_check_all(struct doctor *d)
{
    const size_t *found = d->found;

    for (size_t i = 0;
         i < doctor_check_count && !link_interrupted && !d->unreachable; i++) {
        if (doctor_checks[i].needs_login && !d->logged_in)
            continue;
        doctor_running = doctor_checks[i].name;
        doctor_checks[i].run(d);
        fflush(stdout);
    }
    if (!d->options->json)
        printf("\n%zu bad, %zu warning%s, %zu good\n", found[FINDING_BAD],
               found[FINDING_WARNING], found[FINDING_WARNING] == 1 ? "" : "s",
               found[FINDING_GOOD]);
    return found[FINDING_BAD] > 0 ? EX_UNAVAILABLE : 0;
}

int doctor_run(struct client *c, struct word *w, int n)
{
    static struct doctor d;
    struct failure why;

    (void)n;
    int code = doctor_begin(&d, &c->options, w[0].url, &why) < 0
                   ? client_error("doctor", &why)
                   : doctor_check_all(&d);
    link_close(&d.link);
    site_close(&d.site);
    return code;
}
