/* The process log: turns the events of all others into lines. It never asks a
 * sender anything, and believes nobody but master about who speaks. */
#include "log.h"

int main(int argc, char **argv)
{
    static struct log log;

    return frame_main(&log_row, &log.frame, argc, argv);
}
