/* sallyportctl, for the administrator: users now, sessions later. Runs as who
 * calls it, and keeps nothing running; must never take a password as an
 * argument. */
#include "ctl.h"

int main(int argc, char **argv)
{
    return ctl_run(argc, argv);
}
