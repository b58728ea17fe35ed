"""Pages and accounts a token can see."""

from typing import Final

from samples.rows import (
    FAMILY,
    IG_POSTMAN,
    INSTAGRAM,
    NAMELESS,
    PYFACEBOOK,
    RESTFB,
    AccountsSample,
    ExpectedPage,
    Origin,
)

ACCOUNTS: Final[tuple[AccountsSample, ...]] = (
    AccountsSample(
        file="accounts/ig-me.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (test log)",
        version="v25.0 (2026-05-04)",
        shape="accounts/dmpilot-ig-me",
        note="The app-scoped id, not the 17841… id of the professional account.",
        form="me",
        ids=("28471390365089608",),
    ),
    AccountsSample(
        file="accounts/one-page.json",
        origin=Origin.RECORDED,
        source=NAMELESS + ' (tutorial text, "pages" member of its output)',
        version="v19.0 (2025)",
        shape="accounts/fastapi-accounts-one-page",
        note="before equals after, no next; the order of tasks is not fixed.",
        pages=(
            ExpectedPage(
                id="262552129531055",
                name="Lowland Lamps",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("MODERATE", "MESSAGING", "ANALYZE", "ADVERTISE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
        after=(
            "QVFIU8tX0KnP9DcNDbYobJp1LKm9HwzUMZA2F7pFryu0ANYZAQiLEXpVS3xHak8t1wOIFKET8x1jp2SZAJLvL8OYqC5pLbtc"
            "rlOHFSnmHkoPUZAxF8ZAD0ZAX8SKOolwBaeH3yni01zmexxemVcu9u5trZD"
        ),
    ),
    AccountsSample(
        file="accounts/documented-with-instagram.json",
        origin=Origin.DOCUMENTED,
        source=IG_POSTMAN,
        shape="accounts/postman-accounts-with-ig",
        pages=(
            ExpectedPage(
                id="{a_page_id}",
                name="{a_page_name}",
                token="{a_page_token}",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
                instagram_id="{an_ig_id}",
            ),
        ),
    ),
    AccountsSample(
        file="accounts/documented-page-with-instagram.json",
        origin=Origin.DOCUMENTED,
        source=IG_POSTMAN,
        shape="accounts/postman-page-token-with-ig",
        note="One Page node: no tasks.",
        form="page",
        pages=(
            ExpectedPage(id="{a_page_id}", name="{a_page_name}", token="{a_page_token}", instagram_id="{an_ig_id}"),
        ),
    ),
    AccountsSample(
        file="accounts/cjk-categories.json",
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/base/user_accounts_token.json",
        version="2021",
        shape="accounts/pyfacebook-accounts-cjk-categories",
        pages=(
            ExpectedPage(
                id="3205128745325158",
                name="铜壶修理",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
        after="last",
    ),
    AccountsSample(
        file="accounts/last-page-with-summary.json",
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/apidata/users/user_accounts_p2.json",
        version="v11.0",
        shape="accounts/pyfacebook-accounts-p2",
        pages=(
            ExpectedPage(
                id="765432",
                name="Eeeeeeee",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
            ExpectedPage(
                id="87654321",
                name="Ffffffff",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
        after="p2last",
        total=6,
    ),
    AccountsSample(
        file="accounts/debug-token.json",
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/base/token_info.json",
        version="2019",
        shape="accounts/pyfacebook-debug-token",
        note=(
            "data is an object; expires_at is UNIX seconds, 2020-05-20T18:40:00+00:00; "
            "granular_scopes without target_ids mean all Pages."
        ),
        form="debug_token",
    ),
    AccountsSample(
        file="accounts/page-node.json",
        origin=Origin.FIXTURE,
        source=RESTFB + "account.json",
        shape="accounts/restfb-account-node",
        form="page",
        pages=(
            ExpectedPage(
                id="9876543210",
                name="Sample Shop",
                token="{a-page-token}",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
    ),
    AccountsSample(
        file="accounts/first-page-with-summary.json",
        origin=Origin.RECORDED,
        source="sns-sdks/python-facebook@c0aa73f4fbd0 (path not recorded)",
        version="v11.0",
        shape="accounts/pyfacebook-accounts-p1-summary",
        pages=(
            ExpectedPage(
                id="187782581410544",
                name="Aaaaaaaa",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
            ExpectedPage(
                id="687889998684212",
                name="Bbbbbbbb",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
            ExpectedPage(
                id="966006584172130",
                name="Cccccccc",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
            ExpectedPage(
                id="425197061043699",
                name="Dddddddd",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
        after="p1last",
        more=True,
        total=6,
    ),
    AccountsSample(
        file="accounts/documented-no-paging.json",
        origin=Origin.DOCUMENTED,
        source="https://developers.facebook.com/docs/ (mirrored, a public repository, name not recorded)",
        shape="accounts/metadoc-accounts",
        pages=(
            ExpectedPage(
                id="522036797048915",
                name="Bright Idea Bakery",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
    ),
    AccountsSample(
        file="accounts/two-with-cursors.json",
        origin=Origin.RECORDED,
        source="Ckster/MessageMate@c2751c8 (path not recorded)",
        shape="accounts/messagemate-accounts-real",
        pages=(
            ExpectedPage(
                id="822818662011641",
                name="Copper Kettle Repairs",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
            ExpectedPage(
                id="334311962503702",
                name="Saltmarsh Books",
                token="EAASAMPLETOKENNOTREAL",
                tasks=("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"),
            ),
        ),
        after=(
            "QVFIUiYlQLn8V4fyx3vdxrpo2PDLlPFSq2AzhHCsTeaG2fbvrkLe5PZAeZA25JIO7siRAUZAYRJZADCO5HrSd38fFFAs49rx"
            "rNxflFNxUAZAMsI80FYhlQISzoQByliK3hVzmtbzJ59WQgTpSrImIg4xIJ2HxRgmGtr7fqsPRZD"
        ),
    ),
    AccountsSample(
        file="accounts/without-token.json",
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="No token for a Page one may not message from: it cannot be called, and no other Page suffers.",
        pages=(ExpectedPage(id="364428137509190", name="No Key Here", tasks=("ANALYZE",)),),
        after="y",
    ),
    AccountsSample(file="accounts/empty.json", origin=Origin.IMAGINED, source=FAMILY),
    AccountsSample(
        file="accounts/ig-me-with-user-id.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source="contract 6.9",
        note="user_id is the professional account's id, the one in paths and participants.",
        form="me",
        ids=("36163366161746256", "17841666859660888"),
    ),
    AccountsSample(
        file="accounts/page-without-instagram.json",
        origin=Origin.DOCUMENTED,
        source="contract 6.9",
        note="instagram_business_account is absent where none is linked.",
        form="page",
        pages=(ExpectedPage(id="822818662011641"),),
    ),
)
