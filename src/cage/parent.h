/* A process doesn't outlive its parent. */
#ifndef CAGE_PARENT_H
#define CAGE_PARENT_H

/* From here on the parent's death wakes this process, stopped or not, and some
 * seconds later ends it. Behind the last change of ids, which the kernel takes
 * as a reason to forget it. 0 or -errno */
int parent_follow(void);

#endif
