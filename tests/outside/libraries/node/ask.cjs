// Prints what testcontainers would pull an image with, as a credential helper does. With an image,
// dockerode pulls it with that.
const { getAuthConfig } = require("testcontainers/build/container-runtime/auth/get-auth-config");
const Docker = require("dockerode");

async function main(host, image) {
  const found = await getAuthConfig(host);
  if (!image) {
    const login = found ? { Username: found.username, Secret: found.password } : {};
    console.log(JSON.stringify(login));
    return;
  }
  const docker = new Docker();
  const stream = await docker.pull(image, { authconfig: found });
  await new Promise((done, failed) =>
    docker.modem.followProgress(stream, (error) => (error ? failed(error) : done())),
  );
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
