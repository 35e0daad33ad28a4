/* See installed.h. */
#include "installed.h"

#include "support/files.h"
#include "support/run.h"
#include "support/server.h"
#include "support/test.h"

static char folder[] = "/tmp/sallyport-installed-XXXXXX";
static char version[] = SALLYPORT_VERSION;

void installed_begin(void)
{
    struct run_result r;

    const char *sbin = server_build("sbin");
    const char *libexec = server_build("libexec");
    cr_assert(mkdtemp(folder));
    run(&r, NULL, "/bin/cp", "-r", sbin, libexec, folder, NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    setenv("SALLYPORT_BUILD", folder, 1);
}

void installed_end(void)
{
    struct run_result r;

    run(&r, NULL, "/bin/rm", "-r", folder, NULL);
    run_release(&r);
}

const char *installed_version(void)
{
    version[0] = '9';
    return version;
}

/* Changes the version wherever it occurs, alone or as a part of the build's
 * name. */
static void change_version(struct buf *program)
{
    static const char old[] = SALLYPORT_VERSION;
    char *at = program->data, *end = program->data + program->len;

    while ((at = memmem(at, (size_t)(end - at), old, sizeof(old) - 1)))
        memcpy(at, installed_version(), sizeof(old) - 1);
}

static void upgrade_one(const char *path)
{
    char new[SERVER_PATH_MAX + 8];
    struct buf program;

    snprintf(new, sizeof(new), "%s.new", path);
    buf_init(&program, 256 << 20);
    cr_assert(files_read(path, &program));
    change_version(&program);
    files_write(new, program.data, program.len, 0755);
    cr_assert_eq(rename(new, path), 0);
    buf_release(&program);
}

static void upgrade_all(const char *name)
{
    char path[SERVER_PATH_MAX];
    struct dirent *e;
    DIR *d;

    const char *place = server_build(name);
    d = opendir(place);
    cr_assert(d, "%s", place);
    while ((e = readdir(d)) != NULL) {
        const char *dot = strchr(e->d_name, '.');

        if (dot) /* the directory itself, or a file that was just written */
            continue;
        cr_assert_lt(snprintf(path, sizeof(path), "%s/%s", place, e->d_name),
                     (int)sizeof(path));
        upgrade_one(path);
    }
    closedir(d);
}

void installed_upgrade(void)
{
    upgrade_all("sbin");
    upgrade_all("libexec/sallyport");
}
