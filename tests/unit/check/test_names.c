/* The addresses of host names, at a start. No test here uses the network: hosts
 * are numbers, or the resolver is the test's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/check.h"
#include "sallyport/base/clock.h"
#include "sallyport/conf/conf.h"
#include "support/wait.h"

#define LONG_MS      20000
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define UNTIL        "; until a reload finds its address, PASV tells clients "
#define NO_HOST      ": no such host" UNTIL
#define OWN          "the address that they connected to"
#define DIED         ": the process that looked it up died" UNTIL OWN
#define PRIVATE                                                                \
    ", which is private; if clients come from the internet, look into "        \
    "/etc/hosts"

static struct check k;
static struct prepared_names p;

static void configure(const char *text)
{
    struct complaint c = { "" };

    cr_assert_eq(conf_parse(&k.settings, slice_from(text), "conf", NULL, &c), 0,
                 "%s", c.text);
    k.root = geteuid() == 0;
    p = (struct prepared_names){ 0 };
}

static struct address ip(const char *text)
{
    struct address a = { 0 };

    cr_assert_eq(address_parse(slice_from(text), &a), 0);
    return a;
}

/* Whatever a test asks for, no process is left. */
static void find(resolve_fn *resolve, uint64_t wait_ms)
{
    names_find(&k, &p, resolve, wait_ms);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "a process is left");
}

static void expect(size_t i, const char *address, bool trouble, const char *why)
{
    char text[ADDRESS_TEXT_MAX] = "";

    if (p.name[i].address.family != 0)
        address_text(&p.name[i].address, text);
    cr_expect_str_eq(text, address, "%zu", i);
    cr_expect_eq(p.name[i].trouble, trouble, "%zu", i);
    cr_expect_str_eq(p.name[i].why.text, why, "%zu", i);
}

/* A private address is odd only where it counts for clients from anywhere. */
Test(names, of_the_system)
{
    configure("address = localhost\naddress.10.0.0.0/8 = localhost\n"
              "address.0.0.0.0/0 = localhost\n"
              "address.192.0.2.0/24 = 192.0.2.9\n");
    find(resolve_host, LONG_MS);
    expect(0, "127.0.0.1", true, "localhost is 127.0.0.1" PRIVATE);
    expect(1, "127.0.0.1", false, "localhost is 127.0.0.1");
    expect(2, "127.0.0.1", true, "localhost is 127.0.0.1" PRIVATE);
    expect(3, "", false, ""); /* no host name */
}

/* gethostbyname takes them for names. */
Test(names, addresses_that_no_client_reaches)
{
    static const char *const rows[] = { "0.0.0.0", "255.255.255.255" };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct resolved f;

        resolve_host(rows[i], &f);
        cr_expect_eq(f.address.family, 0);
        cr_expect_eq(f.why, UNRESOLVED_UNUSABLE);
    }
}

Test(names, what_a_client_can_connect_to)
{
    static const struct {
        const char *text;
        bool usable;
    } table[] = {
        { "1.0.0.0", true },          { "223.255.255.255", true },
        { "127.0.0.1", true },        { "10.0.0.1", true },
        { "0.0.0.0", false },         { "0.1.2.3", false },
        { "224.0.0.0", false },       { "239.1.1.1", false },
        { "255.255.255.255", false }, { "2001:db8::1", false },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct address a = ip(table[i].text);

        cr_expect_eq(resolve_usable(&a), table[i].usable, "%s", table[i].text);
    }
}

static void report(struct resolved *ret, const char *address, unsigned why)
{
    memset(ret, 0x5a, sizeof(*ret));
    if (address)
        address_parse(slice_from(address), &ret->address);
    else
        ret->address.family = 0;
    ret->why = (enum unresolved)why;
}

/* An attacker who controls a fork can report this. */
static void odd(const char *name, struct resolved *ret)
{
    report(ret, "192.0.2.1", 77);
    if (strcmp(name, "port.example") == 0)
        ret->address.port = 4711;
    else if (strcmp(name, "six.example") == 0)
        report(ret, "2001:db8::1", 0);
    else if (strcmp(name, "any.example") == 0)
        report(ret, "0.0.0.0", 0);
    else if (strcmp(name, "family.example") == 0)
        ret->address.family = 9;
    else if (strcmp(name, "reason.example") == 0)
        report(ret, NULL, UNRESOLVED_COUNT);
    else if (strcmp(name, "server.example") == 0)
        report(ret, NULL, UNRESOLVED_SERVER);
    else if (strcmp(name, "tail.example") == 0)
        memset(ret->address.bytes + 4, 0x5a, 12);
    else if (strcmp(name, "nothing.example") == 0)
        _exit(0);
    else if (strcmp(name, "dies.example") == 0)
        raise(SIGKILL);
    else if (strcmp(name, "hangs.example") == 0)
        pause();
}

Test(names, a_fork_is_not_trusted)
{
    static const struct {
        const char *name, *address, *why;
    } rows[] = {
        { "port.example", "192.0.2.1", "port.example is 192.0.2.1" },
        { "tail.example", "192.0.2.1", "tail.example is 192.0.2.1" },
        { "six.example", "", "six.example" DIED },
        { "any.example", "", "any.example" DIED },
        { "family.example", "", "family.example" DIED },
        { "reason.example", "", "reason.example" DIED },
        { "server.example", "",
          "server.example: no answer of a name server" UNTIL OWN },
        { "nothing.example", "", "nothing.example" DIED },
        { "dies.example", "", "dies.example" DIED },
        { "fine.example", "192.0.2.1", "fine.example is 192.0.2.1" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[128];

        snprintf(text, sizeof(text), "address = %s\n", rows[i].name);
        configure(text);
        find(odd, LONG_MS);
        expect(0, rows[i].address, !rows[i].address[0], rows[i].why);
        cr_expect_eq(p.name[0].address.port, 0);
    }
}

/* One deadline for all of them; those that answer are known. */
Test(names, one_that_hangs)
{
    const uint64_t begin = clock_ms();

    configure("address = hangs.example\naddress.10.0.0.0/8 = hangs.example\n"
              "address.0.0.0.0/0 = fine.example\n");
    find(odd, 300);
    cr_expect_geq(clock_ms() - begin, 300);
    expect(0, "", true, "hangs.example: no answer in time" UNTIL OWN);
    expect(1, "", true, "hangs.example: no answer in time" UNTIL OWN);
    expect(2, "192.0.2.1", false, "fine.example is 192.0.2.1");
}

static void unknown(const char *name, struct resolved *ret)
{
    (void)name;
    report(ret, NULL, UNRESOLVED_UNKNOWN);
}

/* The address of the generation before stays where no other is found, and the
 * same one is worth no line. */
Test(names, the_address_before)
{
    configure("address = fine.example\naddress.10.0.0.0/8 = fine.example\n");
    p.name[0].address = ip("192.0.2.1");
    p.name[1].address = ip("192.0.2.7");
    find(odd, LONG_MS);
    expect(0, "192.0.2.1", false, "");
    expect(1, "192.0.2.1", false, "fine.example is 192.0.2.1");
    configure("address = gone.example\naddress.10.0.0.0/8 = gone.example\n");
    p.name[0].address = ip("192.0.2.7");
    find(unknown, LONG_MS);
    expect(0, "192.0.2.7", true, "gone.example" NO_HOST "192.0.2.7");
    expect(1, "", true, "gone.example" NO_HOST OWN);
}

/* It says so in the reason of its answer. */
static void count_rights(const char *name, struct resolved *ret)
{
    int n = 0;

    (void)name;
    for (int fd = 3; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    report(ret, "192.0.2.1", 0);
    if (n != 1)
        report(ret, NULL, UNRESOLVED_UNKNOWN);
    if (fork() >= 0)
        report(ret, NULL, UNRESOLVED_SERVER);
    if (geteuid() == 0 || setuid(0) == 0 || getegid() == 0)
        report(ret, NULL, UNRESOLVED_UNUSABLE);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
        prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        report(ret, NULL, UNRESOLVED_LATE);
}

/* It has only its pipe, not that of another one; it can't fork, and isn't
 * root. */
Test(names, a_fork_has_no_rights)
{
    configure("address = a.example\naddress.10.0.0.0/8 = b.example\n");
    find(count_rights, LONG_MS);
    expect(0, "192.0.2.1", false, "a.example is 192.0.2.1");
    expect(1, "192.0.2.1", false, "b.example is 192.0.2.1");
}

static pid_t *hanging; /* shared with the fork */

static void hang(const char *name, struct resolved *ret)
{
    (void)name;
    (void)ret;
    *hanging = getpid();
    pause();
}

static bool is_hanging(void *unused)
{
    (void)unused;
    return *(volatile pid_t *)hanging != 0;
}

/* Nothing of it is left when check is killed. */
Test(names, end_with_check, .timeout = 60)
{
    pid_t pid;

    configure("address = a.example\n");
    hanging = mmap(NULL, sizeof(*hanging), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(hanging, MAP_FAILED);
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    pid = fork();
    if (pid == 0) {
        names_find(&k, &p, hang, LONG_MS);
        _exit(0);
    }
    cr_assert(wait_until(is_hanging, NULL, WAIT_MS));
    kill(pid, SIGKILL);
    cr_expect_eq(waitpid(pid, NULL, 0), pid);
    cr_expect_eq(waitpid(*hanging, NULL, 0), *hanging);
}
