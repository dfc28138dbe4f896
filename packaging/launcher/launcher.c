/* The start of the frozen file: Python is linked in, and the modules are in the file's own pages.
 *
 * PyInstaller finds the imports; its bootloader is not used, because in one-file mode it unpacks to a
 * temporary folder before Python runs, starts a second process, exports that folder in
 * LD_LIBRARY_PATH, fails where /tmp is missing or noexec, and leaves the folder behind when it is
 * killed. Here the payload is a section of the executable: the kernel maps the pages that are read.
 * Nothing is unpacked or written, no second process starts, and the environment stays as it is.
 *
 * The modules of a cached `get` are in Python's frozen-module table (modules.h, written by the build).
 * runtime/frozen_importer.py finds everything else, through the built-in module `_payload`.
 */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#ifndef MFD_EXEC
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

#include "launcher.h"
#include "memo.h"
#include "older_glibc.h"

static const unsigned char *payload;

/* Python's frozen-module table, and the offset of each row's code; find_payload() joins the two. */
static struct _frozen started_with[] = {
#define MODULE(module, offset, bytes, package) \
    {.name = module, .size = (bytes), .is_package = (package)},
#include "modules.h"
#undef MODULE
    {0},
};
static const size_t code_at[] = {
#define MODULE(module, offset, bytes, package) offset,
#include "modules.h"
#undef MODULE
};

/* Inflate an entry to `out`. zstd compares the checksum of the frame. Modules are small and alike, so
 * they share a dictionary; libraries and data do not use it. */
static int
unpack(char *out, Py_ssize_t at, Py_ssize_t stored, Py_ssize_t size, int with_dictionary)
{
    static ZSTD_DCtx *context;
    static ZSTD_DDict *dictionary;
    size_t written;

    if (at < 0 || stored < 0 || size < 0 || stored > PAYLOAD_SIZE - at) {
        PyErr_SetString(PyExc_ValueError, "no such entry");
        return -1;
    }
    if (context == NULL) {
        context = ZSTD_createDCtx();
    }
    if (with_dictionary && dictionary == NULL) {
        dictionary = ZSTD_createDDict_byReference(payload + DICTIONARY_AT, DICTIONARY_SIZE);
    }
    if (context == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    /* A damaged dictionary is NULL here, and decompression then fails. */
    written = with_dictionary
                  ? ZSTD_decompress_usingDDict(context, out, size, payload + at, stored, dictionary)
                  : ZSTD_decompressDCtx(context, out, size, payload + at, stored);
    if (written != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "the file is damaged");
        return -1;
    }
    return 0;
}

static PyObject *
read_entry(PyObject *self, PyObject *arguments)
{
    Py_ssize_t at, stored, size;
    int with_dictionary = 0;
    if (!PyArg_ParseTuple(arguments, "nnn|p", &at, &stored, &size, &with_dictionary)) {
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes != NULL && unpack(PyBytes_AS_STRING(bytes), at, stored, size, with_dictionary) < 0) {
        Py_CLEAR(bytes);
    }
    return bytes;
}

/* Make an anonymous memory file of the entry. It has no name and no folder, and ends with the process. */
static PyObject *
memory_file(PyObject *self, PyObject *arguments)
{
    const char *name;
    int is_library;
    Py_ssize_t at, stored, size;
    if (!PyArg_ParseTuple(arguments, "spnnn", &name, &is_library, &at, &stored, &size)) {
        return NULL;
    }
    /* Older kernels refuse these flags, newer ones may be set to want them. */
    int fd = memfd_create(name, MFD_CLOEXEC | (is_library ? MFD_EXEC : MFD_NOEXEC_SEAL));
    if (fd < 0) {
        fd = memfd_create(name, MFD_CLOEXEC);
    }
    if (fd < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    /* Above the standard descriptors: a client may have closed one of them, and stdio.py has to see that. */
    int high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    fd = high;
    void *memory = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, size) == 0) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    }
    if (memory == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    int failed = unpack(memory, at, stored, size, 0);
    munmap(memory, size);
    if (failed) {
        close(fd);
        return NULL;
    }
    return PyLong_FromLong(fd);
}

/* Load a shared library. A loaded library satisfies every later need of its soname: so an extension module
 * finds its libraries although they are in no folder, and whatever LD_LIBRARY_PATH says. */
static PyObject *
preload(PyObject *self, PyObject *argument)
{
    const char *path = PyUnicode_AsUTF8(argument);
    if (path == NULL) {
        return NULL;
    }
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
        const char *reason = dlerror();
        PyErr_SetString(PyExc_OSError, reason ? reason : "dlopen failed");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
find_safe_folder(PyObject *self, PyObject *argument)
{
    char path[PATH_MAX];
    const char *folder = PyUnicode_AsUTF8(argument);
    if (folder == NULL) {
        return NULL;
    }
    return PyUnicode_DecodeFSDefault(safe_folder(folder, path) != NULL ? path : "");
}

static PyMethodDef methods[] = {
    {"read", read_entry, METH_VARARGS, "The bytes of an entry."},
    {"memory_file", memory_file, METH_VARARGS, "Make a memory file of an entry; its descriptor."},
    {"preload", preload, METH_O, "Load a shared library."},
    {"safe_folder", find_safe_folder, METH_O, "The real path of a folder, or '' if it is not safe."},
    {0},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_payload", .m_size = -1, .m_methods = methods,
};

static PyObject *
init_payload(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *contents = Py_BuildValue("nnn", (Py_ssize_t)CONTENTS_AT, (Py_ssize_t)CONTENTS_STORED,
                                       (Py_ssize_t)CONTENTS_SIZE);
    if (module != NULL && PyModule_AddObjectRef(module, "CONTENTS", contents) < 0) {
        Py_CLEAR(module);
    }
    Py_XDECREF(contents);
    if (module != NULL && PyModule_AddStringConstant(module, "BUILD", BUILD) < 0) {
        Py_CLEAR(module);
    }
    return module;
}

/* The path of this file. The kernel reports it in AT_EXECFN, which needs no /proc; argv[0] can be anything.
 * The static launcher executes this one from memory and passes its own path. */
static const char *
own_path(const char *argv0, char buffer[PATH_MAX])
{
    const char *passed = getenv(OWN_PATH);
    if (passed != NULL) {
        snprintf(buffer, PATH_MAX, "%s", passed);
        unsetenv(OWN_PATH);
        return buffer;
    }
    const char *executed = (const char *)getauxval(AT_EXECFN);
    return executed != NULL && realpath(executed, buffer) != NULL ? buffer : argv0;
}

/* Close the descriptors or remove the folder that the static launcher unpacked to: all is loaded now. */
static void
remove_unpacked(void)
{
    char *unpacked = getenv(UNPACKED);
    if (unpacked == NULL) {
        return;
    }
    if (unpacked[0] >= '0' && unpacked[0] <= '9') {
        char *end;
        for (long fd = strtol(unpacked, &end, 10); end != unpacked; fd = strtol(unpacked, &end, 10)) {
            close((int)fd);
            unpacked = end;
        }
    } else if (strstr(unpacked, "/." PROGRAM "-") != NULL) {
        DIR *directory = opendir(unpacked);
        for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
        if (directory) {
            closedir(directory);
        }
        rmdir(unpacked);
    }
    unsetenv(UNPACKED);
}

static void
must(PyStatus status)
{
    if (PyStatus_Exception(status)) {
        fprintf(stderr, PROGRAM ": error: python did not start: %s\n",
                status.err_msg ? status.err_msg : "no reason given");
        exit(1);
    }
}

/* Compare the checksum of the modules in the frozen-module table. Python executes them as they are, and
 * a flipped bit in one could do anything. freeze/payload.py computes the same. */
static uint64_t
checksum(const unsigned char *bytes, size_t size)
{
    const uint64_t prime = 0x9E3779B185EBCA87u;
    uint64_t lanes[4] = {1, 2, 3, 4}, word, sum = 0;

    for (size_t at = 0; at < size; at += sizeof lanes) {
        for (size_t lane = 0; lane < 4; lane++) {
            memcpy(&word, bytes + at + lane * sizeof word, sizeof word);
            lanes[lane] = (lanes[lane] ^ word) * prime;
            lanes[lane] ^= lanes[lane] >> 32;
        }
    }
    for (size_t lane = 0; lane < 4; lane++) {
        sum = (sum ^ lanes[lane]) * prime;
        sum ^= sum >> 32;
    }
    return sum;
}

/* Find the payload: in this executable, or where the static launcher says. */
static void
find_payload(void)
{
#ifdef PAYLOAD_OUTSIDE
    int fd;
    long long offset;
    const char *place = getenv(PAYLOAD);
    if (place == NULL || sscanf(place, "%d %lld", &fd, &offset) != 2) {
        fprintf(stderr, PROGRAM ": error: this part of the file does not run by itself\n");
        exit(1);
    }
    void *mapped = mmap(NULL, PAYLOAD_SIZE, PROT_READ, MAP_PRIVATE, fd, offset);
    close(fd);
    unsetenv(PAYLOAD);
    if (mapped == MAP_FAILED) {
        perror(PROGRAM ": error: cannot read the file");
        exit(1);
    }
    payload = mapped;
#else
    extern const unsigned char payload_inside[];
    payload = payload_inside;
#endif
    if (checksum(payload, STARTED_WITH_SIZE) != STARTED_WITH_SUM) {
        fail("the file " PROGRAM " is damaged", "internal.damaged",
             "install it again, and compare its checksum with SHA256SUMS");
    }
    for (size_t i = 0; i < sizeof code_at / sizeof *code_at; i++) {
        started_with[i].code = payload + code_at[i];
    }
}

int
main(int argc, char **argv)
{
    static char buffer[PATH_MAX];
    run_constructors(argc, argv);
    forbid_core_dumps();
#ifndef PAYLOAD_OUTSIDE
    answer_from_memo(argc, argv, BUILD);
#endif
    remove_unpacked();
    find_payload();
    const char *path = own_path(argc > 0 ? argv[0] : PROGRAM, buffer);

    /* Isolated: no PYTHON* variable, no user folder, no site. UTF-8 in every locale. */
    PyPreConfig preconfig;
    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1;
    must(Py_PreInitialize(&preconfig));

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 1; /* Ctrl-C, and a client that hangs up */
    config.module_search_paths_set = 1; /* to none: no module comes from a folder */
    must(PyConfig_SetBytesArgv(&config, argc, argv));
    config.parse_argv = 0;
    must(PyConfig_SetBytesString(&config, &config.executable, path));
    must(PyConfig_SetBytesString(&config, &config.base_executable, path));
    must(PyConfig_SetString(&config, &config.home, L"/"));

    PyImport_FrozenModules = started_with;
    if (PyImport_AppendInittab("_payload", init_payload) < 0) {
        return 1;
    }
    must(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);

    if (PyImport_ImportModule("frozen_entry") == NULL) {
        PyErr_Print(); /* ends the process by itself on SystemExit */
        return 1;
    }
    return Py_FinalizeEx() < 0;
}
