/* A process doesn't outlive its parent. */
#ifndef SANDBOX_PARENT_H
#define SANDBOX_PARENT_H

/* From here on the parent's death wakes this process, stopped or not, and ends
 * it some seconds later, unless the leader of its process group becomes its
 * parent. To be called after the last change of ids, which would cancel it. 0
 * or -errno */
int parent_follow(void);

#endif
