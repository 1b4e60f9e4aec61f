/*
 * The wall clock of a server that a test can set: the machine's plus an offset, which is read from a file of eight bytes (seconds)
 * that is mapped into memory. Monotonic clocks are the machine's. Waits until a time of day end by the same clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* No deadline by a monotonic clock is that late: 2001, or 31 years after the machine was started. */
static const time_t day_of_wall_clocks = 1000000000;

static volatile int64_t *shared;
static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_clockwait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SERVER_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  real_clockwait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  if (mapped != MAP_FAILED) shared = mapped;
}

static int64_t offset(void) { return shared ? *shared : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
  int rc = real_gettime ? real_gettime(id, at) : (int)syscall(SYS_clock_gettime, id, at);
  if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += offset();
  return rc;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

static struct timespec until(const struct timespec *deadline) {
  struct timespec real = *deadline;
  if (real.tv_sec > day_of_wall_clocks) real.tv_sec -= offset();
  return real;
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline) {
  struct timespec real = until(deadline);
  return real_timedwait(cond, mutex, &real);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id, const struct timespec *deadline) {
  struct timespec real = until(deadline);
  return real_clockwait(cond, mutex, id, &real);
}
