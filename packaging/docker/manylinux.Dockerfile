# Builds the frozen file for glibc 2.28 and newer, instead of the glibc of the building machine.
#
#   docker build -f packaging/docker/manylinux.Dockerfile --output type=local,dest=. \
#     --build-arg IMAGE=…/manylinux_2_28_x86_64 --build-arg PYTHON=Python-3.11.7.tar.xz .
#
# The image's Pythons have no libpython, so one is built from the source archive in the build context,
# which must have the hash in packaging/interpreter.toml. The line under the table of sizes says which
# glibc is needed: the newest symbol version of Python, the launcher, OpenSSL and the SDKs' wheels.
ARG IMAGE=manylinux_2_28_x86_64
FROM ${IMAGE} AS build
ARG PYTHON
RUN dnf install -y openssl-devel libffi-devel zlib-devel expat-devel glibc-static && dnf clean all
COPY ${PYTHON} packaging/interpreter.toml /
RUN echo "$(sed -n 's/^sha256 = "\(.*\)"/\1/p' /interpreter.toml)  /${PYTHON}" | sha256sum --check \
 && mkdir /source && tar -xf "/${PYTHON}" -C /source --strip-components=1 && cd /source \
 && ./configure --prefix=/opt/python --enable-shared --enable-optimizations \
      LDFLAGS=-Wl,-rpath,/opt/python/lib \
 && make -j"$(nproc)" && make install
COPY . /build
RUN cd /build && make frozen frozen/static PYTHON=/opt/python/bin/python3

FROM scratch
COPY --from=build /build/dist/ /dist/
